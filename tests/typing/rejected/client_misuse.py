"""Mistakes of callers: each line that ends in `# error` is an error for both type checkers, and no other line is."""

import ssl

import httpx

from lambda_streamify.client import SigV4, aread_stream, astream, stream

URL = "https://abc.lambda-url.us-east-1.on.aws/"

stream()  # error
stream(1)  # error
stream(URL, headers=["x-name"])  # error
stream(URL, headers={"x-name": 1})  # error
stream(URL, content=1)  # error
stream(URL, sign="eu-west-1")  # error
stream(URL, timeout="60")  # error
stream(URL, client=httpx.AsyncClient())  # error
stream(URL, client=httpx.Client(), context=ssl.create_default_context())  # error
astream(URL, client=httpx.Client())  # error
stream(URL).events(until=1)  # error
stream(URL).events(reconnects="3")  # error
stream(URL).rows(until="done")  # error
stream(URL).status_code.lower()  # error
SigV4("eu-west-1")  # error
SigV4(credentials="secret")  # error
aread_stream({"EventStream": []})  # error


async def mixed() -> None:
    async for _ in stream(URL):  # error
        pass
    for _ in astream(URL):  # error
        pass
    with astream(URL):  # error
        pass
    async with stream(URL):  # error
        pass
