"""Sending a body. test_response_forms.py tests what each caller gets, test_delivery.py how a body ends."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from invoking import DIRECT, FUNCTION_URL, HTTP_API, Handler, Loop, invoke
from lambda_streamify._bodies.bodies import AsyncTypedBody, TypedBody


def chunks() -> Iterator[Any]:
    yield "a"
    yield ""
    yield bytearray(b"b")


async def async_chunks() -> AsyncIterator[Any]:
    for chunk in chunks():
        await asyncio.sleep(0)
        yield chunk


async def coroutine(_event: Any, _context: Any) -> Any:
    return {"body": TypedBody(chunks(), "text/x")}


every_handler = pytest.mark.parametrize(
    "handler",
    [
        lambda *_: {"body": TypedBody(chunks(), "text/x")},
        lambda *_: {"body": AsyncTypedBody(async_chunks(), "text/x")},
        coroutine,
    ],
    ids=["sync", "async", "sync in a coroutine"],
)


@every_handler
def test_each_chunk_that_is_not_empty_is_sent_as_one(handler: Handler, loop: Loop) -> None:
    assert invoke(handler, DIRECT, loop=loop).sent.chunks == [b"a", b"b"]


@every_handler
def test_a_body_names_its_content_type(handler: Handler, loop: Loop) -> None:
    assert invoke(handler, FUNCTION_URL, loop=loop).sent.prelude["headers"] == {"content-type": "text/x"}


@every_handler
def test_the_body_is_collected_where_the_caller_gets_no_stream(handler: Handler, loop: Loop) -> None:
    assert invoke(handler, HTTP_API, loop=loop).sent.json["body"] == "ab"
