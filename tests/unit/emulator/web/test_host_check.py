import json

import pytest

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.errors import AddressError
from lambda_streamify_emulator.web.asgi import Receive, Scope, Send, respond
from lambda_streamify_emulator.web.host_check import HostCheck, host_name, refusal

ANY = "0.0.0.0"  # noqa: S104 - nothing is bound here
NAMES = ["127.0.0.1", "app.example.com"]
ADDRESS, ELSEWHERE = "127.0.0.1:4000", "attacker.example:4000"

# Host, the address on which the emulator listens, whether the request is accepted
HOSTS = [
    ("127.0.0.1:4000", "127.0.0.1", True),
    ("127.0.0.1", "127.0.0.1", True),
    ("127.9.9.9:4000", "127.0.0.1", True),
    ("localhost:4000", "127.0.0.1", True),
    ("LOCALHOST:4000", "127.0.0.1", True),
    ("localhost.:4000", "127.0.0.1", True),
    ("app.localhost:4000", "127.0.0.1", True),
    ("[::1]:4000", "127.0.0.1", True),
    ("[::1]", "::1", True),
    ("0.0.0.0:4000", ANY, True),
    ("192.0.2.7:4000", ANY, True),
    ("[2001:db8::1]:4000", "::", True),
    ("mine.example:4000", "mine.example", True),
    ("Mine.Example:4000", "mine.example", True),
    ("mine.example:4000", "MINE.example", True),
    (ELSEWHERE, "127.0.0.1", False),
    (ELSEWHERE, ANY, False),
    (ELSEWHERE, "mine.example", False),
    ("localhost.attacker.example", "127.0.0.1", False),
    ("notlocalhost", "127.0.0.1", False),
    ("127.0.0.1.attacker.example", "127.0.0.1", False),
    ("127.0.0.1@attacker.example", "127.0.0.1", False),
    ("[::1", "127.0.0.1", False),
    ("", "127.0.0.1", False),
    (":4000", "127.0.0.1", False),
]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(("host", "bound", "expected"), HOSTS)
def test_only_names_that_no_page_can_have_are_let_in(method: str, host: str, bound: str, *, expected: bool) -> None:
    found = refusal(method, [host], [], [bound])

    assert (found is None) is expected
    assert expected or repr(host) in str(found)


def test_a_client_without_host_is_no_browser() -> None:
    assert refusal("POST", [], [], ["127.0.0.1"]) is None


def test_two_hosts_are_none() -> None:
    assert refusal("GET", [ADDRESS, ADDRESS], [], ["127.0.0.1"]) is not None


# method, Origin, Host, whether the request is accepted
ORIGINS = [
    ("POST", f"http://{ADDRESS}", ADDRESS, True),
    ("POST", "http://LOCALHOST:4000", "localhost:4000", True),
    ("POST", "https://localhost", "localhost", True),
    ("POST", "http://[::1]:4000", "[::1]:4000", True),
    ("GET", "http://attacker.example", ADDRESS, True),
    ("HEAD", "http://attacker.example", ADDRESS, True),
    ("POST", "http://attacker.example", ADDRESS, False),
    ("POST", "null", ADDRESS, False),
    ("POST", "", ADDRESS, False),
    ("POST", "http://[", ADDRESS, False),
    ("POST", "http://127.0.0.1:3000", ADDRESS, False),
    ("POST", "http://127.0.0.1", ADDRESS, False),
    ("POST", "http://localhost:4000", ADDRESS, False),
    ("PUT", "http://attacker.example", ADDRESS, False),
    ("DELETE", "http://attacker.example", ADDRESS, False),
    ("OPTIONS", "http://attacker.example", ADDRESS, False),
]


@pytest.mark.parametrize(("method", "origin", "host", "expected"), ORIGINS)
def test_only_a_page_of_this_port_may_change_anything(method: str, origin: str, host: str, *, expected: bool) -> None:
    found = refusal(method, [host], [origin], ["127.0.0.1"])

    assert (found is None) is expected
    assert expected or repr(origin) in str(found)


def ask(*headers: tuple[str, str], method: str = "POST", own_pages_only: bool = True) -> Exchange:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await respond(send, 200, [], b"let in")

    return run(Exchange(method=method, headers=headers).run(HostCheck(app, NAMES, own_pages_only=own_pages_only)))


def test_a_request_that_is_let_in_is_answered_by_the_application() -> None:
    exchange = ask(("host", ADDRESS), ("origin", f"http://{ADDRESS}"))

    assert (exchange.status, exchange.pieces) == (200, [b"let in"])


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (
            [("host", ELSEWHERE)],
            f"the Host header {ELSEWHERE!r} is not a name of this emulator; the check keeps web pages out: ",
        ),
        (
            [("host", ADDRESS), ("origin", "http://a"), ("origin", "null")],
            "the Origin header 'http://a, null' is another web page's, and only pages of this port may call it: ",
        ),
    ],
    ids=["host", "origin"],
)
def test_a_request_that_is_not_let_in_is_told_why(headers: list[tuple[str, str]], reason: str) -> None:
    exchange = ask(*headers)

    assert exchange.status == 403
    assert ("x-amzn-errortype", "AccessDeniedException") in exchange.fields
    report = json.loads(b"".join(exchange.pieces))
    assert report["Type"] == "User"
    assert report["Message"].startswith(reason)


@pytest.mark.parametrize("name", ["app.example.com", "APP.example.com:4001", "app.example.com.:80"])
def test_a_name_that_is_allowed_is_let_in(name: str) -> None:
    assert ask(("host", name)).status == 200


def test_ports_for_web_pages_accept_any_origin_but_check_the_host() -> None:
    origin = ("origin", "http://attacker.example")

    assert ask(("host", ADDRESS), origin, own_pages_only=False).status == 200
    assert ask(("host", ELSEWHERE), origin, own_pages_only=False).status == 403


@pytest.mark.parametrize("name", ["", "http://a", "a:80", "a b", "*.example.com", "a/b", "[::1]", "bücher.example"])
def test_what_is_no_name_cannot_be_allowed(name: str) -> None:
    with pytest.raises(AddressError, match="give a name as in the Host header"):
        host_name(name)


def test_names_are_compared_without_capital_letters_and_the_dot_at_their_end() -> None:
    assert host_name("App.Example.com.") == "app.example.com"
