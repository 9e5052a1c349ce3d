"""Which handlers can share an event loop."""

import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lambda_streamify import StreamingResponse, asgi, streaming, wsgi
from lambda_streamify._concurrency.async_handler import check_handler, is_async
from lambda_streamify.errors import HandlerError


async def coroutine_function(_event: Any, _context: Any) -> None: ...


async def generator_function(_event: Any, _context: Any) -> AsyncIterator[str]:
    yield ""


def plain(_event: Any, _context: Any) -> Any:
    return StreamingResponse(())


def decorated(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    def wrapper(*arguments: Any) -> Any:
        return handler(*arguments)

    return wrapper


class Asynchronous:
    async def __call__(self, _event: Any, _context: Any) -> None: ...

    async def method(self, _event: Any, _context: Any) -> None: ...


class Synchronous:
    def __call__(self, _event: Any, _context: Any) -> None: ...


async def app(_scope: Any, _receive: Any, _send: Any) -> None: ...


@pytest.mark.parametrize(
    "handler",
    [
        coroutine_function,
        generator_function,
        streaming(coroutine_function),
        decorated(streaming(decorated(generator_function))),
        functools.partial(coroutine_function, None),
        functools.partial(decorated(coroutine_function), None),
        Asynchronous(),
        Asynchronous().method,
        asgi.handler(app, lifespan="off"),
    ],
)
def test_an_async_handler_is_recognised_below_its_decorators(handler: Callable[..., Any]) -> None:
    check_handler(handler)


@pytest.mark.parametrize(
    "handler",
    [
        plain,
        decorated(plain),
        streaming(plain),
        functools.partial(plain, None),
        Synchronous(),
        wsgi.handler(lambda *_: ()),
        print,
        lambda *_: coroutine_function(None, None),
    ],
)
def test_any_other_handler_is_a_sync_one(handler: Callable[..., Any]) -> None:
    assert not is_async(handler)


def test_a_sync_handler_is_refused_with_the_way_out() -> None:
    with pytest.raises(HandlerError) as refused:
        check_handler(plain)

    assert str(refused.value) == (
        "the handler plain is a sync function, which would hold all other invocations of its process, but"
        " STREAMIFY_CONCURRENCY is tasks: write `async def` (in it, `await asyncio.to_thread(...)` calls what blocks),"
        " or use asgi.handler; or remove STREAMIFY_CONCURRENCY, and each invocation has a process of its own"
    )


def test_functions_that_wrap_each_other_are_followed_to_the_end() -> None:
    def one(_event: Any, _context: Any) -> None: ...

    def two(_event: Any, _context: Any) -> None: ...

    vars(one)["__wrapped__"], vars(two)["__wrapped__"] = two, one

    assert not is_async(one)
