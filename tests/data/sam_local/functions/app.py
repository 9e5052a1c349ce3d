"""What `sam local` answers with: `case`, in the event or in the path of a request, names the function."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import lambda_streamify

Event = dict[str, Any]


def handler(event: Event, _context: object) -> object:
    return CASES[event.get("case") or event["pathParameters"]["case"]](event)


def http(body: object, **fields: object) -> Event:
    return {"statusCode": 201, "headers": {"x-kind": "brief"}, "body": body, **fields}


def generator(_event: Event) -> Event:
    return http(chunk for chunk in ("one, ", "", "two, ", "žluťoučký 東京"))


def async_generator(_event: Event) -> Event:
    async def body() -> AsyncIterator[str]:
        for chunk in ("one, ", "two"):
            await asyncio.sleep(0)
            yield chunk

    return http(body())


def bare(_event: Event) -> Iterator[str]:
    yield "one, "
    yield "two"


def binary(_event: Event) -> Event:
    return http(chunk for chunk in (b"\x00\xff", b"\xfe"))


def cookies(_event: Event) -> Event:
    return http((chunk for chunk in ("one, ", "two")), cookies=["a=1; Path=/", "b=2"])


@lambda_streamify.streaming
def streaming(_event: Event) -> Event:
    return http(chunk for chunk in ("one, ", "two"))


def written(_event: Event) -> None:
    with lambda_streamify.open_stream(status_code=201, headers={"x-kind": "brief"}) as stream:
        stream.write("one, ")
        stream.write("two")


def plain(_event: Event) -> Event:
    return http("short")


def value(_event: Event) -> Event:
    return {"answer": 42}


def process(_event: Event) -> int:
    return os.getpid()


def surroundings(_event: Event) -> Event:
    main = str(sys.modules["__main__"].__file__)
    package = str(lambda_streamify.__file__)
    names = ("AWS_EXECUTION_ENV", "AWS_LAMBDA_EXEC_WRAPPER", "AWS_SAM_LOCAL", "NOTE")
    return {"main": main, "package": package, **{name: os.environ.get(name) for name in names}}


def logs(_event: Event) -> Event:
    logging.getLogger("app").warning("logged")
    return http("short")


def fails(_event: Event) -> object:
    raise ValueError("no answer")


def fails_first(event: Event) -> Iterator[str]:
    if event:
        raise ValueError("no first chunk")
    yield "never"


def fails_later(_event: Event) -> Iterator[str]:
    yield "one, "
    raise LookupError("no second chunk")


def status_600(_event: Event) -> Event:
    return http((chunk for chunk in ("never",)), statusCode=600)


def header_injection(_event: Event) -> Event:
    return http((chunk for chunk in ("never",)), headers={"x-kind": "brief\r\nx-evil: yes"})


CASES: dict[str, Callable[[Event], object]] = {
    function.__name__: function
    for function in (
        generator,
        async_generator,
        bare,
        binary,
        cookies,
        streaming,
        written,
        plain,
        value,
        process,
        surroundings,
        logs,
        fails,
        fails_first,
        fails_later,
        status_600,
        header_injection,
    )
}
