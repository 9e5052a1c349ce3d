"""The apps of docs/guides/frameworks.md answer as they stand there."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path

from asgi_service import running
from django_project import urls
from documents import blocks
from http_events import url_event
from processes import ROOT

PAGE = ROOT / "docs" / "guides" / "frameworks.md"
CODE = [code for code in blocks(PAGE, "py") if " asgi" in code and "wsgi" not in code]
(FASTAPI,) = (code for code in CODE if "FastAPI()" in code)
(STARLETTE,) = (code for code in CODE if "Starlette(" in code)
(DJANGO,) = (code for code in CODE if "get_asgi_application" in code)
(FASTMCP,) = (code for code in CODE if "FastMCP(" in code)
(OTHER_EVENTS,) = (code for code in CODE if "Records" in code)


def run(code: str, names: dict[str, Any]) -> Any:
    """Return the handler that the code makes."""
    exec(compile(code, "docs/guides/frameworks.md", "exec"), names)  # noqa: S102 - it is the documentation's
    return names["lambda_handler"]


def served(code: str) -> Any:
    return running(lambda: run(code, {"__name__": "app"}))


@pytest.mark.parametrize("code", [FASTAPI, STARLETTE], ids=["FastAPI", "Starlette"])
def test_what_counts_counts_chunk_by_chunk(code: str) -> None:
    with served(code) as service:
        assert service.answer(url_event("/count/3")).chunks[1:] == [b"1\n", b"2\n", b"3\n"]


def test_django_answers_with_its_views() -> None:
    async def count(_request: HttpRequest) -> StreamingHttpResponse:
        async def numbers() -> AsyncIterator[str]:
            yield "1\n"
            yield "2\n"

        return StreamingHttpResponse(numbers())

    with urls(path("count", count)), served(DJANGO) as service:
        assert service.answer(url_event("/count")).chunks[1:] == [b"1\n", b"2\n"]


def test_an_mcp_server_has_its_tool() -> None:
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "add", "arguments": {"a": 1, "b": 2}},
    }
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    event = url_event("/mcp", method="POST", headers=headers, body=json.dumps(message).encode())
    with served(FASTMCP) as service:
        assert b'"structuredContent":{"result":3}' in service.answer(event).content


def test_other_events_have_another_way() -> None:
    names: dict[str, Any] = {"__name__": "app"}

    def make() -> Any:
        run(FASTAPI, names)
        return run(OTHER_EVENTS, names)

    with running(make) as service:
        assert service.answer(url_event("/count/1")).chunks[1:] == [b"1\n"]
        assert service.answer({"Records": [{"messageId": "a"}]}).json == ["a"]
