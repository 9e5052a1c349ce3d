"""A local emulator of AWS Lambda's response streaming: it runs the real, built layer in real processes.

The packages, in the order of a request to a function and its response:

    web             HTTP for all front ends: the server, access checks, headers
    urls            function URLs: converts requests to events, and function responses to HTTP responses
    rest_apis       the same for REST APIs of API Gateway
    http_apis       the same for HTTP APIs, which do not stream
    websocket_apis  WebSocket APIs: connections, messages, and what functions send by @connections
    lambda_api      the API that SDKs and the AWS CLI call
    invocations     one invocation: its event, the channel of its response, its log, its limits
    sandboxes       the processes in which functions run, and their environment
    containers      the same for functions that are container images, in Docker
    runtime_api     the API from which runtimes fetch events, and to which they send responses
    extensions      the API of external extensions, and their telemetry

    template        reads templates of SAM, CloudFormation, the CDK, the Serverless Framework and Terraform
    checks          names the mistakes in them
    building        builds layers and functions, with their requirements, before they run
    precompiling    writes bytecode into a build
    caching         where what was built is kept
    processes       starts processes, and ends them with all that they have started

    recordings      streams with the times of their chunks: the format, writing, reading, figures
    replays         replays of recordings, with changed times and faults
    clients         reads streams from URLs and from Lambda
    analysis        compares and draws recordings, and diagnoses buffering
    testing         the fixtures of the pytest plugin
    activity        what has happened, for the dashboard
    dashboard       the page on the port of the Lambda API
    attach          adds the layer to a function on AWS, and removes it
    load            load tests with streaming metrics
    terminal        what the commands print
    commands        the `streamify` command

`emulator` combines the first two groups. Nothing here imports the layer: it is built, and runs in processes of its own.
"""
