import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lambda_streamify_emulator
from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.activity.activity import Activity
from lambda_streamify_emulator.dashboard import app as module
from lambda_streamify_emulator.dashboard import form as dashboard_form
from lambda_streamify_emulator.dashboard.app import PAGE, ControlPort, Dashboard
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.web.asgi import App, Receive, Scope, Send, respond
from lambda_streamify_emulator.web.exchange import BODY_LIMIT_BYTES, ExchangeWatch
from lambda_streamify_emulator.web.iam import Iam
from lambda_streamify_emulator.web.request import Request
from lambda_streamify_emulator.web.sigv4 import is_signed
from scripted_pool import FUNCTION, ScriptedPool, responding

PAGE_FOLDER = Path(lambda_streamify_emulator.__file__).parent / "dashboard" / "page"
URL = "http://127.0.0.1:4001/"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_INTERVAL_S", 0)


class Served:
    """Create a dashboard of two functions; the URL of `hello` requires signed requests."""

    def __init__(self, *pieces: bytes) -> None:
        self.activity = Activity()
        self.iam = Iam()
        self.requests: list[Request] = []
        script = responding("text/plain", *pieces)
        self.pool = ScriptedPool(script, replace(FUNCTION, auth_type="AWS_IAM"))
        other = ScriptedPool(script, replace(FUNCTION, name="direct", invoke_mode=None))
        pools, apps = {"hello": self.pool, "direct": other}, {"hello": self.answer}
        self.app = Dashboard(
            self.activity, pools, urls={"hello": URL}, apps=apps, apis=lambda: {"Api": f"{URL}Prod"}, iam=self.iam
        )

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        path, query = scope["raw_path"].decode(), scope["query_string"].decode()
        self.requests.append(Request(scope["method"], path, query, headers, "127.0.0.1", message["body"]))
        await respond(send, 200, [("content-type", "text/plain")], b"answer")


def get(path: str, app: App | None = None) -> Exchange:
    return run(Exchange(path=path, stays=True).run(app or Served().app))


def body(exchange: Exchange) -> Any:
    return json.loads(b"".join(exchange.pieces))


@pytest.mark.parametrize(("path", "name", "kind"), [(path, *file) for path, file in PAGE.items()])
def test_the_page_and_its_parts_are_served(path: str, name: str, kind: str) -> None:
    exchange = get(path if path == "/" else f"/dashboard/{path}")

    assert (exchange.status, b"".join(exchange.pieces)) == (200, (PAGE_FOLDER / name).read_bytes())
    assert ("content-type", f"{kind}; charset=utf-8") in exchange.fields


def test_each_file_of_the_page_is_served_and_the_page_requests_no_others() -> None:
    assert {name for name, _ in PAGE.values()} == {path.name for path in PAGE_FOLDER.iterdir()}

    for path in PAGE_FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        links = re.findall(r"""(?:src|href)="(?!#|data:)([^"]+)|from "\./([^"]+)|url\(([^)]+)""", text)
        assert {"".join(link).removeprefix("/dashboard/") for link in links} <= set(PAGE), path
        assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}, path


def test_nothing_is_inserted_into_the_page_as_markup() -> None:
    for path in PAGE_FOLDER.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", path.read_text()
        )
    assert not re.search(
        r"<style|style=|<script(?! type=\"module\" src=)|\son\w+=", (PAGE_FOLDER / "index.html").read_text()
    )


@pytest.mark.parametrize("path", ["/", "/dashboard/functions", "/dashboard/absent"])
def test_responses_have_security_headers(path: str) -> None:
    fields = dict(get(path).fields)

    policy = fields["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in fields["content-security-policy"]
    assert (fields["x-content-type-options"], fields["cache-control"]) == ("nosniff", "no-store")


def test_functions_are_listed_without_their_environment() -> None:
    described = {"runtime": "python3.12", "timeout": 3, "memory": 128}

    assert body(get("/dashboard/functions")) == {
        "functions": [
            {"name": "hello", "url": URL, "invoke_mode": "RESPONSE_STREAM", "auth_type": "AWS_IAM", **described},
            {"name": "direct", "url": None, "invoke_mode": None, "auth_type": None, **described},
        ],
        "apis": [{"name": "Api", "url": "http://127.0.0.1:4001/Prod"}],
    }


# --- what changes -----------------------------------------------------------------------------------------------------


def events(exchange: Exchange) -> list[tuple[str, dict[str, Any]]]:
    found = re.findall(r"id: (\S+)\ndata: (.*)\n\n", b"".join(exchange.pieces).decode())
    return [(id_, json.loads(data)) for id_, data in found]


def test_a_page_gets_the_state_and_then_changes_until_the_end() -> None:
    served = Served()

    async def main() -> Exchange:
        served.activity.watch("hello", Invocation(b"{}", request_id="1"))
        exchange = Exchange(path="/dashboard/changes", stays=True)
        running = asyncio.create_task(exchange.run(served.app))
        await exchange.until(2)
        served.activity.log("hello", "<b>line</b>")
        await exchange.until(3)
        served.activity.end()
        return await running

    exchange = run(main())

    assert dict(exchange.fields)["content-type"] == "text/event-stream; charset=utf-8"
    (first_id, first), (_, second) = events(exchange)
    assert first_id == f"{served.activity.run}-1"
    assert (first["is_all"], [one["request_id"] for one in first["rows"]], first["lines"]) == (True, ["1"], [])
    assert (second["is_all"], second["rows"]) == (False, [])
    assert [line[1:] for line in second["lines"]] == [["hello", "<b>line</b>"]]


def test_comments_keep_an_idle_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEPALIVE_INTERVAL_S", 0)
    served = Served()

    async def main() -> Exchange:
        exchange = Exchange(path="/dashboard/changes", stays=True)
        running = asyncio.create_task(exchange.run(served.app))
        await exchange.until(4)
        served.activity.end()
        return await running

    assert run(main()).pieces[1:3] == [b":\n\n", b":\n\n"]


@pytest.mark.parametrize(("last", "is_all"), [("{run}-1", False), ("other-1", True), ("{run}-x", True), ("", True)])
def test_a_page_that_reconnects_gets_the_changes_that_it_missed(last: str, is_all: bool) -> None:  # noqa: FBT001
    served = Served()

    async def main() -> Exchange:
        served.activity.watch("hello", Invocation(b"{}", request_id="1"))
        served.activity.watch("hello", Invocation(b"{}", request_id="2"))
        headers = [("last-event-id", last.format(run=served.activity.run))]
        exchange = Exchange(path="/dashboard/changes", headers=headers, stays=True)
        running = asyncio.create_task(exchange.run(served.app))
        await exchange.until(2)
        served.activity.end()
        return await running

    ((_, told),) = events(run(main()))

    assert (told["is_all"], len(told["rows"])) == (is_all, 2 if is_all else 1)


# --- what the form sends ----------------------------------------------------------------------------------------------


def send(served: Served, form: object, function: str = "hello", kind: str = "application/json") -> Exchange:
    content = form if isinstance(form, bytes) else json.dumps(form).encode()
    path = f"/dashboard/functions/{function}/send"
    return run(Exchange([content], "POST", path, headers=[("content-type", kind)], stays=True).run(served.app))


def lines(exchange: Exchange) -> list[tuple[str, Any]]:
    assert exchange.status == 200
    return [tuple(json.loads(line)[1:]) for line in b"".join(exchange.pieces).splitlines()]


@pytest.mark.parametrize("function", ["hello", "direct"])
def test_an_event_is_sent_to_the_function(function: str) -> None:
    sent = lines(send(Served(b"one", b"two"), {"kind": "event", "event": '{"a": 1}'}, function))

    assert sent == [("o", "one"), ("o", "two"), ("x", {"reason": "end", "bytes": 6, "chunks": 2})]


def test_a_request_is_sent_to_the_url_and_signed_if_necessary() -> None:
    served = Served()
    form = {"kind": "request", "method": "POST", "path": "/a b?c=ž", "headers": "X-A: b\n\nhost: mine", "body": "grü"}

    head, *rest = lines(send(served, form))

    assert head[1]["status_code"] == 200
    assert rest == [("o", "answer"), ("x", {"reason": "end", "bytes": 6, "chunks": 1})]
    (request,) = served.requests
    assert (request.method, request.path, request.query) == ("POST", "/a%20b", "c=%C5%BE")
    assert request.body == "grü".encode()
    headers = dict(request.headers)
    assert (headers["x-a"], headers["host"], headers["content-length"]) == ("b", "mine", "4")
    assert is_signed(request)
    assert served.iam.reject(request) is None


def test_an_own_signature_is_not_replaced() -> None:
    served = Served()

    send(served, {"kind": "request", "method": "GET", "path": "/", "headers": "Authorization: mine"})

    assert dict(served.requests[0].headers)["authorization"] == "mine"


REQUEST = {"kind": "request", "method": "GET", "path": "/"}


@pytest.mark.parametrize(
    ("form", "function", "kind", "status", "message"),
    [
        (REQUEST, "absent", "application/json", 404, "there is no function absent"),
        (REQUEST, "hello", "text/plain", 415, "the content type is not application/json"),
        (REQUEST, "direct", "application/json", 400, "direct has no URL: send an event instead"),
        (b"{", "hello", "application/json", 400, "the form is not JSON: "),
        ([], "hello", "application/json", 400, "the form is not a JSON object"),
        ({"kind": "event", "event": "{"}, "hello", "application/json", 400, "the event is not JSON: "),
    ],
)
def test_an_invalid_form_is_refused(form: object, function: str, kind: str, status: int, message: str) -> None:
    served = Served()

    exchange = send(served, form, function, kind)

    assert exchange.status == status
    assert body(exchange)["message"].startswith(message)
    assert (served.requests, served.pool.invocations) == ([], [])


def test_a_form_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_form, "FORM_LIMIT_BYTES", 10)

    exchange = send(Served(), b"x" * 11)

    assert (exchange.status, body(exchange)) == (413, {"message": "the form must be smaller than 10 bytes"})


# --- an open row ------------------------------------------------------------------------------------------------------


def post(served: Served, path: str, kind: str = "application/json") -> Exchange:
    return run(Exchange([b"{}"], "POST", path, headers=[("content-type", kind)], stays=True).run(served.app))


def watched(served: Served, headers: list[tuple[str, str]], *, method: str = "PUT", size: int = 7) -> None:
    """Let a client ask the URL of the function hello."""
    watch = ExchangeWatch(served.answer, [served.activity.note], function="hello")
    run(Exchange([b"x" * size], method, "/path", "a=1", headers, stays=True).run(watch))


def test_a_row_has_details() -> None:
    served = Served()
    watched(served, [("x-mine", "1")])

    found = body(get("/dashboard/rows/1", served.app))

    assert (found["request"]["target"], found["request"]["body"]) == ("/path?a=1", "x" * 7)
    assert (found["head"]["status"], found["is_repeatable"], found["is_savable"]) == (200, True, False)
    assert get("/dashboard/rows/2", served.app).status == 404


def test_a_request_is_repeated_as_it_was() -> None:
    served = Served()
    watched(served, [("host", "127.0.0.1:4001"), ("x-mine", "1")])

    head, *rest = lines(post(served, "/dashboard/rows/1/send"))

    assert (head[1]["status_code"], rest[0]) == (200, ("o", "answer"))
    first, again = served.requests
    assert again == first
    assert [one["target"] for one in served.activity.since(0)["rows"]] == ["/path?a=1"] * 2


def test_a_signature_is_renewed_because_it_expires() -> None:
    served = Served()
    host = ("host", "127.0.0.1:4001")
    watched(served, [host, ("authorization", "AWS4-HMAC-SHA256 old"), ("x-amz-date", "20200101T000000Z")])

    post(served, "/dashboard/rows/1/send")

    again = served.requests[-1]
    assert [name for name, _ in again.headers] == ["host", "x-amz-date", "authorization"]
    assert served.iam.reject(again) is None


def test_an_event_is_repeated() -> None:
    served = Served(b"one")
    served.activity.watch("direct", Invocation(b'{"a": 1}'))

    sent = lines(post(served, "/dashboard/rows/1/send"))

    assert sent[0] == ("o", "one")


def test_a_request_that_is_not_kept_as_a_whole_is_not_repeated() -> None:
    served = Served()
    watched(served, [], size=BODY_LIMIT_BYTES + 1)

    exchange = post(served, "/dashboard/rows/1/send")

    assert (exchange.status, body(exchange)["message"][:37]) == (409, "the request is too long to be kept: s")
    assert len(served.requests) == 1


@pytest.mark.parametrize(("path", "kind", "status"), [("1", "text/plain", 415), ("9", "application/json", 404)])
def test_a_page_of_another_origin_repeats_nothing(path: str, kind: str, status: int) -> None:
    served = Served()
    watched(served, [])

    assert post(served, f"/dashboard/rows/{path}/send", kind).status == status
    assert len(served.requests) == 1


def test_a_response_is_saved_as_a_file() -> None:
    served = Served()
    invocation = served.activity.watch('my "function"', Invocation(b"{}"))
    assert get("/dashboard/rows/1/recording", served.app).status == 409
    invocation.write(b"abc")
    invocation.end_chunk()
    invocation.end(None)

    exchange = get("/dashboard/rows/1/recording", served.app)

    fields = dict(exchange.fields)
    assert fields["content-type"] == "application/x-ndjson"
    assert fields["content-disposition"] == 'attachment; filename="my__function_-1.ndjson"'
    assert [json.loads(line)[1] for line in b"".join(exchange.pieces).splitlines()[1:]] == ["o", "x"]


# --- the port ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "is_for_page"),
    [("/", True), ("/dashboard/script.js", True), ("/dashboard", False), ("/2015-03-31/functions", False)],
)
def test_the_port_serves_the_page_and_the_api(path: str, is_for_page: bool) -> None:  # noqa: FBT001
    async def api(_scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, 418, [], b"")

    assert get(path, ControlPort(api, Served().app)).status == (200 if is_for_page else 418)
