"""A local emulator of AWS Lambda's response streaming: it runs the real, built layer in real processes.

The packages, in the order of a request to a function and its response:

    web            HTTP for all front ends: the server, access checks, headers
    urls           function URLs: converts requests to events, and function responses to HTTP responses
    rest_apis      the same for REST APIs of API Gateway
    lambda_api     the API that SDKs and the AWS CLI call
    invocations    one invocation: its event, the channel of its response, its log, its limits
    sandboxes      the processes in which functions run, and their environment
    runtime_api    the API from which runtimes fetch events, and to which they send responses

    template       reads SAM templates
    building       builds layers and functions, with their requirements, before they run

    recordings     streams with the times of their chunks: the format, writing, reading, figures
    replays        replays of recordings, with changed times and faults
    analysis       compares and draws recordings, and diagnoses buffering
    testing        the fixtures of the pytest plugin
    dashboard      the page on the port of the Lambda API
    load           load tests with streaming metrics
    commands       the `streamify` command

`emulator` combines the first two groups. Nothing here imports the layer: it is built, and runs in processes of its own.
"""
