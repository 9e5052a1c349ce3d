import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.invocations.channel import FunctionError, ResponseChannel
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.limits import UNLIMITED
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE
from lambda_streamify_emulator.sandboxes.pool import Throttled
from lambda_streamify_emulator.settings import Settings
from lambda_streamify_emulator.urls.function_url import FunctionUrl
from lambda_streamify_emulator.web.asgi import LEFT_EARLY
from lambda_streamify_emulator.web.iam import SCOPE, Iam
from lambda_streamify_emulator.web.request import Request
from lambda_streamify_emulator.web.signing import sign
from scripted_pool import FUNCTION, Script, ScriptedPool, failing, gated, read_gated, responding

HEAD = b'{"statusCode": 201, "headers": {"Content-Type": "text/plain"}}' + bytes(8)


class Url:
    """A function URL in front of a scripted function."""

    def __init__(self, script: Script, invoke_mode: str = "RESPONSE_STREAM", cors: Any = None, **settings: Any) -> None:
        self.warnings: list[str] = []
        function = replace(FUNCTION, invoke_mode=invoke_mode, cors=cors)
        chosen = Settings(**settings)
        self.pool = ScriptedPool(script, function, chosen)
        self.app = FunctionUrl(
            self.pool, self.warnings.append, cuts_errors=chosen.cuts_errors, public_host=chosen.public_host
        )

    async def ask(self, exchange: Exchange) -> Exchange:
        """Send a request, and let the function run to its end."""
        await exchange.run(self.app)
        for task in self.pool.tasks:
            await task
        return exchange


def ask(script: Script, exchange: Exchange | None = None, mode: str = "RESPONSE_STREAM") -> tuple[Exchange, Url]:
    async def main() -> tuple[Exchange, Url]:
        url = Url(script, mode)
        return await url.ask(exchange or Exchange()), url

    return run(main())


def own(url: Url) -> list[tuple[str, str]]:
    """Return the headers of every response."""
    (invocation,) = url.pool.invocations
    return [("x-amzn-requestid", invocation.request_id), ("x-amzn-trace-id", invocation.trace_id.lower())]


def test_status_and_headers_come_from_the_prelude_and_pieces_as_they_are() -> None:
    exchange, url = ask(responding(CONTENT_TYPE, HEAD + b"a", b"b"))

    assert exchange.status == 201
    assert exchange.fields == [*own(url), ("content-type", "text/plain")]
    assert exchange.pieces == [b"a", b"b", b""]
    assert exchange.complete
    assert url.warnings == []


def test_a_request_that_no_sandbox_is_left_for_is_answered_429() -> None:
    class FullPool(ScriptedPool):
        async def invoke(self, invocation: Invocation, *, wait_if_full: bool = False) -> None:
            self.invocations.append(invocation)
            raise Throttled("ConcurrentInvocationLimitExceeded")

    async def main() -> None:
        pool = FullPool(responding("text/plain"))
        exchange = await Exchange().run(FunctionUrl(pool, lambda _: None))

        assert exchange.status == 429
        assert exchange.pieces == [b'{"message":"Rate Exceeded."}']
        assert ("x-amzn-errortype", "TooManyRequestsException") in exchange.fields

    run(main())


def test_the_function_gets_the_event_of_the_request() -> None:
    request = Exchange([b'{"a":', b" 1}"], "PUT", "/a%2Fb", "c=d", [("content-type", "application/json")])

    _, url = ask(responding(CONTENT_TYPE, HEAD), request)

    event = json.loads(url.pool.invocations[0].event)
    assert (event["rawPath"], event["rawQueryString"], event["body"]) == ("/a%2Fb", "c=d", '{"a": 1}')
    assert event["requestContext"]["http"]["method"] == "PUT"
    assert event["requestContext"]["http"]["sourceIp"] == "192.0.2.7"
    invocation = url.pool.invocations[0]
    assert invocation.trace_id.startswith(event["headers"]["x-amzn-trace-id"] + ";")
    assert event["requestContext"]["requestId"] == invocation.request_id


def test_a_prelude_without_content_type_gets_lambdas() -> None:
    exchange, url = ask(responding(CONTENT_TYPE, b"{}" + bytes(8)))

    assert exchange.status == 200
    assert exchange.fields == [*own(url), ("content-type", "application/octet-stream")]
    assert exchange.pieces == [b"", b""]


def test_without_prelude_the_body_is_passed_on_under_its_type() -> None:
    exchange, url = ask(responding("text/event-stream", b"a", bytes(8)))

    assert exchange.status == 200
    assert exchange.fields == [*own(url), ("content-type", "text/event-stream")]
    assert exchange.pieces == [b"a", bytes(8), b""]


def test_without_prelude_and_body_only_the_content_type_is_sent() -> None:
    exchange, url = ask(responding("text/event-stream"))

    assert (exchange.status, b"".join(exchange.pieces)) == (200, b"")
    assert exchange.fields == [*own(url), ("content-type", "text/event-stream")]
    assert exchange.complete


@pytest.mark.parametrize("values", [{"x": ["1", "2"]}, {"set-cookie": ["a=1"]}, {}, []])
def test_multi_value_headers_in_a_prelude_are_500_and_told_to_the_functions_author(values: object) -> None:
    head = json.dumps({"statusCode": 201, "headers": {"a": "b"}, "multiValueHeaders": values}).encode() + bytes(8)

    exchange, url = ask(responding(CONTENT_TYPE, head + b"a", b"b"))

    assert (exchange.status, exchange.pieces) == (500, [b"Internal Server Error"])
    (warning,) = url.warnings
    assert warning == (
        "the prelude has the field multiValueHeaders, which function URLs answer with 500: join the values of a"
        " header in headers, and put cookies into cookies; the client gets 500"
    )


def test_multi_value_headers_that_are_null_are_none() -> None:
    exchange, url = ask(responding(CONTENT_TYPE, b'{"statusCode": 201, "multiValueHeaders": null}' + bytes(8)))

    assert (exchange.status, url.warnings) == (201, [])


def test_headers_of_a_connection_are_not_the_functions_and_each_cookie_is_a_header() -> None:
    prelude = {
        "headers": {"Connection": "close", "Content-Length": "3", "X-Mine": "1", "keep-alive": "timeout=5"},
        "cookies": ["a=b; Secure", "c=d"],
    }
    exchange, url = ask(responding(CONTENT_TYPE, json.dumps(prelude).encode() + bytes(8) + b"abc"))

    assert exchange.fields == [
        *own(url),
        ("x-amzn-remapped-connection", "close"),
        ("x-amzn-remapped-content-length", "3"),
        ("x-mine", "1"),
        ("content-type", "application/octet-stream"),
        ("set-cookie", "a=b; Secure"),
        ("set-cookie", "c=d"),
    ]


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_that_has_no_body_gets_none(status: int) -> None:
    head = b'{"statusCode": %d}' % status + bytes(8)

    exchange, _ = ask(responding(CONTENT_TYPE, head + b"a", b"b"))

    assert exchange.status == status
    assert b"".join(exchange.pieces) == b""
    assert exchange.complete


def test_a_piece_is_sent_before_the_next_one_exists() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        url, exchange = Url(gated(CONTENT_TYPE, HEAD, gate, 3)), Exchange()
        await read_gated(exchange, asyncio.create_task(url.ask(exchange)), gate, 3)

    run(main())


BROKEN: list[tuple[list[bytes], str]] = [
    ([b"no json" + bytes(8)], "the prelude is not JSON: Expecting value: line 1 column 1 (char 0)"),
    ([b'{"statusCode": 200}'], "the response ends after 19 bytes, before its prelude does"),
    ([], "the response ends after 0 bytes, before its prelude does"),
    ([b"x" * 20_000], "no end of the prelude within its first 16384 bytes"),
    ([b"[" * 5000 + bytes(8)], "the prelude is not JSON: "),
]


@pytest.mark.parametrize(("pieces", "message"), BROKEN)
def test_a_broken_prelude_is_502_and_told_to_the_functions_author(pieces: list[bytes], message: str) -> None:
    exchange, url = ask(responding(CONTENT_TYPE, *pieces))

    assert exchange.status == 502
    assert exchange.fields == [*own(url), ("content-type", "text/plain"), ("content-length", "21")]
    assert exchange.pieces == [b"Internal Server Error"]
    (warning,) = url.warnings
    assert warning.startswith(message)
    assert warning.endswith("; the client gets 502")


def test_a_function_that_fails_before_its_response_is_502() -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.end(FunctionError("Function.A", b"{}"))

    exchange, url = ask(fail)

    assert (exchange.status, exchange.pieces) == (502, [b"Internal Server Error"])
    assert url.warnings == []


@pytest.mark.parametrize(
    ("content_type", "arrived"), [(CONTENT_TYPE, b""), (CONTENT_TYPE, HEAD[:-1]), ("application/octet-stream", b"")]
)
def test_an_error_before_the_prelude_is_complete_or_before_the_first_byte_is_502(
    content_type: str, arrived: bytes
) -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.start(content_type)
        if arrived:
            channel.write(arrived)
        channel.end(FunctionError("RangeError", b"{}"))

    exchange, url = ask(fail)

    assert (exchange.status, exchange.pieces) == (502, [b"Internal Server Error"])
    assert url.warnings == []


def test_a_prelude_leaves_before_the_error_that_comes_in_place_of_a_body() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def fail(channel: ResponseChannel) -> None:
            channel.start(CONTENT_TYPE)
            channel.write(HEAD)
            await gate.wait()
            channel.end(FunctionError("RangeError", b"{}"))

        url, exchange = Url(fail), Exchange()
        answering = asyncio.create_task(url.ask(exchange))
        await exchange.until(messages=2)  # a server sends the head with the first piece, even an empty one
        assert (exchange.status, exchange.pieces) == (201, [b""])
        gate.set()
        await answering

        assert exchange.complete
        assert url.warnings == ["RangeError after the response began: the client sees a body that ends early"]

    run(main())


def test_a_function_that_fails_within_its_response_ends_it_as_if_it_were_whole() -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.start(CONTENT_TYPE)
        channel.write(HEAD + b"half")
        channel.end(FunctionError("Function.A", b"{}"))

    exchange, url = ask(fail)

    assert (exchange.status, exchange.pieces) == (201, [b"half", b""])
    assert exchange.complete
    assert url.warnings == ["Function.A after the response began: the client sees a body that ends early"]


def test_an_error_within_a_response_cuts_it_off_if_that_is_asked_for() -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.start(CONTENT_TYPE)
        channel.write(HEAD + b"half")
        channel.end(FunctionError("Function.A", b"{}"))

    async def main() -> None:
        url = Url(fail, cuts_errors=True)
        exchange = await url.ask(Exchange())

        assert (exchange.status, exchange.pieces) == (201, [b"half"])
        assert not exchange.complete
        assert url.warnings == ["Function.A after the response began: the client sees a connection that breaks"]

        whole = Url(responding(CONTENT_TYPE, HEAD, b"whole"), cuts_errors=True)
        assert (await whole.ask(Exchange())).complete

    run(main())


@pytest.mark.parametrize(
    ("exchange", "closing"),
    [
        (Exchange([b"x" * 6_291_457], "POST"), True),
        (Exchange([b"x" * 6_291_457, b"more"], "POST"), True),
        (Exchange([b"x"], "POST", headers=[("Content-Length", "6291457")]), True),
        (Exchange(leaves=True), True),
        (Exchange([b"x" * 5_000_000], "POST"), False),  # it was read whole, and is too large in base64
    ],
)
def test_a_request_that_is_too_large_as_an_event_is_413(exchange: Exchange, *, closing: bool) -> None:
    exchange, url = ask(responding(CONTENT_TYPE, HEAD), exchange)

    assert exchange.status == 413
    message = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    assert json.loads(exchange.pieces[0]) == {"message": message}
    assert exchange.complete
    assert exchange.fields[0][0] == "x-amzn-requestid"
    assert (("connection", "close") in exchange.fields) is closing
    assert url.pool.invocations == []


def test_without_limits_no_request_is_too_large() -> None:
    async def main() -> None:
        url = Url(responding(CONTENT_TYPE, HEAD), limits=UNLIMITED)
        exchange = await url.ask(Exchange([b"x" * 6_291_457], "POST", headers=[("Content-Length", "6291457")]))

        assert exchange.status == 201

    run(main())


# --- clients that disconnect -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
@pytest.mark.parametrize("content_type", [CONTENT_TYPE, "text/plain", None])
def test_a_disconnect_before_the_response_is_reported(mode: str, content_type: str | None) -> None:
    async def main() -> None:
        may_end = asyncio.Event()

        async def script(channel: ResponseChannel) -> None:
            await may_end.wait()
            if content_type is not None:
                channel.start(content_type)
                channel.write(HEAD + b"a")
            channel.end(None if content_type else FunctionError("Function.A", b"{}"))

        url, exchange = Url(script, mode), Exchange(stays=True)
        answering = asyncio.create_task(exchange.run(url.app))
        while not url.pool.tasks:  # noqa: ASYNC110 - the pool has no event for this
            await asyncio.sleep(0)
        exchange.leave()
        await answering

        assert exchange.sent == []
        assert url.warnings == [LEFT_EARLY]
        may_end.set()
        await url.pool.tasks[0]
        assert url.pool.invocations[0].channel.ended

    run(main())


def test_a_disconnect_within_the_response_is_not_reported() -> None:
    async def main() -> None:
        may_fail = asyncio.Event()
        url, exchange = Url(failing(CONTENT_TYPE, HEAD + b"a", may_fail)), Exchange()
        answering = asyncio.create_task(exchange.run(url.app))
        await exchange.until(messages=2)
        exchange.leave()
        await answering
        may_fail.set()
        await url.pool.tasks[0]

        assert url.warnings == []

    run(main())


# --- CORS ------------------------------------------------------------------------------------------------------------

PAGE = "https://app.example.com"
CORS = {"AllowOrigins": [PAGE], "AllowMethods": ["PUT"], "ExposeHeaders": ["x-seen"], "MaxAge": 60}
ASKING = [("Origin", PAGE), ("Access-Control-Request-Method", "PUT")]
ADDED = [("access-control-allow-origin", PAGE), ("vary", "Origin"), ("access-control-expose-headers", "x-seen")]


def ask_across(
    exchange: Exchange, script: Script | None = None, mode: str = "RESPONSE_STREAM", cors: object = CORS
) -> tuple[Exchange, Url]:
    """Send a request to a URL that has a CORS configuration."""

    async def main() -> tuple[Exchange, Url]:
        url = Url(script or responding(CONTENT_TYPE, HEAD + b"a"), mode, cors=cors)
        return await url.ask(exchange), url

    return run(main())


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_a_preflight_request_is_answered_without_the_function(mode: str) -> None:
    exchange, url = ask_across(Exchange(method="OPTIONS", headers=ASKING), mode=mode)

    assert exchange.status == 200
    assert exchange.fields[0][0] == "x-amzn-requestid"
    assert exchange.fields[1:] == [
        ("content-type", "application/json"),
        ("access-control-allow-origin", PAGE),
        ("vary", "Origin"),
        ("access-control-allow-methods", "PUT"),
        ("access-control-max-age", "60"),
        ("content-length", "0"),
    ]
    assert exchange.pieces == [b""]
    assert url.pool.invocations == []


def test_a_preflight_request_of_another_origin_gets_no_cors_headers() -> None:
    asking = [("origin", "https://other.example.com"), ASKING[1]]

    exchange, url = ask_across(Exchange(method="OPTIONS", headers=asking))

    assert exchange.status == 200
    assert [name for name, _ in exchange.fields] == ["x-amzn-requestid", "content-type", "content-length"]
    assert url.pool.invocations == []


@pytest.mark.parametrize(("headers", "cors"), [(ASKING, None), ([], CORS), (ASKING[:1], CORS)])
def test_options_reach_the_function_if_they_are_no_preflight_or_the_url_has_no_cors(
    headers: list[tuple[str, str]], cors: object
) -> None:
    exchange, url = ask_across(Exchange(method="OPTIONS", headers=headers), cors=cors)

    assert exchange.status == 201
    assert len(url.pool.invocations) == 1


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_the_urls_headers_are_added_to_those_of_the_function_in_either_mode(mode: str) -> None:
    whole = responding("application/json", b'{"statusCode":201,"body":"a"}')

    exchange, url = ask_across(Exchange(headers=ASKING[:1]), whole if mode == "BUFFERED" else None, mode)

    assert exchange.status == 201
    assert exchange.fields[-3:] == ADDED
    assert url.warnings == []


def test_a_header_of_both_comes_twice_and_the_functions_author_is_told_that_browsers_refuse_it() -> None:
    head = b'{"headers": {"Access-Control-Allow-Origin": "*", "Vary": "Accept"}}' + bytes(8)

    exchange, url = ask_across(Exchange(headers=ASKING[:1]), responding(CONTENT_TYPE, head))

    allowed = [value for name, value in exchange.fields if name == "access-control-allow-origin"]
    assert allowed == ["*", PAGE]
    name = "Access-Control-Allow-Origin"
    told = f"both the function and the URL's Cors set {name}: the client gets it twice, and browsers refuse that"
    assert url.warnings == [told]


@pytest.mark.parametrize("headers", [[], [("Origin", "https://other.example.com")]])
def test_other_origins_get_the_response_without_cors_headers(headers: list[tuple[str, str]]) -> None:
    exchange, url = ask_across(Exchange(headers=headers))

    assert exchange.status == 201
    assert exchange.fields == [*own(url), ("content-type", "text/plain")]


def test_errors_have_the_urls_headers_too_so_that_a_page_may_read_them() -> None:
    async def fail(channel: ResponseChannel) -> None:
        channel.end(FunctionError("Function.A", b"{}"))

    failed, _ = ask_across(Exchange(headers=ASKING[:1]), fail)
    refused, _ = ask_across(Exchange([b"x" * 6_291_457], "POST", headers=ASKING[:1]))

    assert (failed.status, refused.status) == (502, 413)
    assert failed.fields[-3:] == refused.fields[-3:] == ADDED


def test_a_preflight_request_needs_no_signature() -> None:
    async def main() -> None:
        pool = ScriptedPool(responding(CONTENT_TYPE, HEAD), replace(FUNCTION, cors=CORS, auth_type="AWS_IAM"))
        url = FunctionUrl(pool, lambda _: None, Iam(lambda: 0))

        asked = await Exchange(method="OPTIONS", headers=ASKING).run(url)
        refused = await Exchange(headers=ASKING[:1]).run(url)

        assert (asked.status, refused.status) == (200, 403)
        assert refused.fields[-3:] == ADDED

    run(main())


# --- invoke mode BUFFERED --------------------------------------------------------------------------------------------


def test_a_buffered_url_waits_for_all_of_the_response() -> None:
    answer = b'{"statusCode":"201","headers":{"X":"y"},"cookies":["a=1"],"body":"hello"}'

    exchange, url = ask(responding("application/json", answer[:9], answer[9:]), mode="BUFFERED")

    assert not url.pool.invocations[0].streamed
    assert exchange.status == 201
    assert exchange.fields == [
        *own(url),
        ("x", "y"),
        ("content-type", "application/json"),
        ("set-cookie", "a=1"),
        ("content-length", "5"),
    ]
    assert exchange.pieces == [b"hello"]


def test_a_buffered_url_says_what_a_function_that_streams_has_to_change() -> None:
    exchange, url = ask(responding(CONTENT_TYPE, HEAD + b"a"), mode="BUFFERED")

    assert (exchange.status, exchange.pieces) == (502, [b"Internal Server Error"])
    assert "set STREAMIFY_INVOKE_MODE=buffered" in url.warnings[0]


def test_an_error_behind_a_buffered_url_is_a_502_wherever_it_happens() -> None:
    async def late(channel: ResponseChannel) -> None:
        channel.start("application/json")
        channel.write(b"{}")
        channel.end(FunctionError("Function.A", b"{}"))

    exchange, url = ask(late, mode="BUFFERED")

    assert (exchange.status, url.warnings) == (502, [])


def test_a_buffered_response_that_must_have_no_body_has_none() -> None:
    exchange, _ = ask(responding("application/json", b'{"statusCode":204,"body":"x"}'), mode="BUFFERED")

    assert (exchange.status, exchange.pieces) == (204, [b""])


# --- AWS_IAM ---------------------------------------------------------------------------------------------------------

HOST = ("host", "127.0.0.1:4001")


def ask_as_iam(exchange: Exchange, iam: Iam) -> tuple[Exchange, ScriptedPool, list[str]]:
    async def main() -> tuple[Exchange, ScriptedPool, list[str]]:
        pool, warnings = ScriptedPool(responding(CONTENT_TYPE, HEAD + b"a")), list[str]()
        await exchange.run(FunctionUrl(pool, warnings.append, iam))
        for task in pool.tasks:
            await task
        return exchange, pool, warnings

    return run(main())


def test_a_function_for_signed_requests_does_not_run_for_others() -> None:
    exchange, pool, warnings = ask_as_iam(Exchange(headers=[HOST]), Iam(lambda: 0))

    assert exchange.status == 403
    assert ("x-amzn-errortype", "AccessDeniedException") in exchange.fields
    assert pool.invocations == []
    assert warnings == ["the request is not signed, and the URL's AuthType is AWS_IAM; the client gets 403"]


def test_a_signed_request_reaches_its_function_as_its_users() -> None:
    iam = Iam()
    body = [b"a body ", b"in pieces"]
    request = Request("POST", "/a%2Fb", "c=d", [HOST], "", b"".join(body))
    headers = [HOST, *sign(request, iam.credentials, SCOPE)]

    exchange, pool, _ = ask_as_iam(Exchange(body, "POST", "/a%2Fb", "c=d", headers), iam)

    assert exchange.status == 201
    event = json.loads(pool.invocations[0].event)
    assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == iam.credentials.access_key
    assert "authorization" not in event["headers"]


def test_a_request_over_the_limit_is_too_large_whoever_sends_it() -> None:
    exchange, _, _ = ask_as_iam(Exchange([b" " * 6_291_457], "POST", headers=[HOST]), Iam(lambda: 0))

    assert exchange.status == 413


# --- under a public name ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("app.example.com", None),  # on AWS, each URL has a domain name of Lambda's, by which the runtime recognises it
        ("abc.lambda-url.eu-west-1.on.aws", "abc.lambda-url.eu-west-1.on.aws"),
    ],
)
def test_the_event_has_the_public_name_as_if_reached_by_https(name: str, domain: str | None) -> None:
    async def main() -> Url:
        url = Url(responding("text/plain", b"a"), public_host=name)
        await url.ask(Exchange(headers=[("host", "127.0.0.1:4001"), ("x-forwarded-proto", "http")]))
        return url

    (invocation,) = run(main()).pool.invocations
    event = json.loads(invocation.event)
    headers = {name: event["headers"][name] for name in ("host", "x-forwarded-proto", "x-forwarded-port")}
    assert headers == {"host": name, "x-forwarded-proto": "https", "x-forwarded-port": "443"}
    context = event["requestContext"]
    assert ".lambda-url." in context["domainName"]
    assert context["domainName"] == (domain or context["domainName"])
    assert context["domainName"].startswith(f"{context['domainPrefix']}.")
