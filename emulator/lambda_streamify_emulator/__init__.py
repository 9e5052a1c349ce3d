"""A local emulator of AWS Lambda's response streaming: it runs the real, built layer in real processes.

What lies where, from a request to the function and back:

    web            HTTP as all front ends speak it: the server, who may ask, headers
    urls           function URLs: a request becomes an event, a response becomes an answer
    rest_apis      the same for REST APIs of API Gateway
    lambda_api     the calls of SDKs and of the AWS CLI
    invocations    one invocation: its event, the way of its response, its log, its limits
    sandboxes      the processes that functions run in, and what they find around them
    runtime_api    what runtimes ask for their events, and answer to

    template       what a SAM template asks for
    building       what is made before a function runs: its layers, and its code with what it requires

    recordings     streams with the times of their chunks: written, read, replayed, compared, drawn, judged
    testing        the fixtures of the pytest plugin
    dashboard      the page on the Lambda API's port
    load           load tests with streaming metrics
    commands       the `streamify` command

`emulator` puts the first two groups together. Nothing here imports the layer: it is built, and started as a process.
"""
