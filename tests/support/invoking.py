"""One invocation, from /next to the answer, over a real socket."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from lambda_streamify._runtime.invocation import Invocation
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from scripted_api import ACCEPTED, Script, ScriptedApi, answers, invocation
from sent import Sent, parse

Handler = Callable[[Any, Any], Any]
Loop = Callable[[], AbstractEventLoop]

FUNCTION_URL: dict[str, Any] = {
    "requestContext": {"domainName": "abc.lambda-url.eu-west-1.on.aws", "http": {"method": "GET"}}
}
REST_API: dict[str, Any] = {"httpMethod": "GET", "requestContext": {"stage": "prod"}}
HTTP_API: dict[str, Any] = {"requestContext": {"domainName": "abc.execute-api.eu-west-1.amazonaws.com", "http": {}}}
LOAD_BALANCER: dict[str, Any] = {"httpMethod": "GET", "requestContext": {"elb": {}}}
WEBSOCKET: dict[str, Any] = {"requestContext": {"connectionId": "abc"}}
DIRECT: dict[str, Any] = {"name": "value"}


@dataclass
class Log:
    """A sink that keeps what is logged."""

    messages: list[str] = field(default_factory=list)
    errors: list[list[str]] = field(default_factory=list)

    def log(self, message: str, frame_type: bytes | None = None) -> None:
        """Keep the message."""
        self.messages.append(message)

    def log_error(self, lines: Iterable[str]) -> None:
        """Keep the lines."""
        self.errors.append(list(lines))


def no_loop() -> AbstractEventLoop:
    """Stands where nothing asynchronous happens."""
    raise AssertionError("an event loop was asked for")


@dataclass
class Outcome:
    """What came of one invocation; `request` is the handler's answer as it was sent."""

    request: bytes
    log: Log

    @property
    def sent(self) -> Sent:
        """The request, taken apart."""
        return parse(self.request)

    @property
    def path(self) -> str:
        """The last part of its path: "response" or "error"."""
        return self.sent.path.rpartition("/")[2]


def invoke(
    handler: Handler,
    event: object = None,
    *,
    mode: str = "auto",
    loop: Loop = no_loop,
    answer: bytes = ACCEPTED,
    fields: tuple[str, ...] = (),
) -> Outcome:
    """Run one invocation that the Runtime API answers in one go."""
    with ScriptedApi(answers(invocation(event, *fields), answer)) as api:
        log = invoke_at(api, handler, mode=mode, loop=loop)
    assert len(api.requests) == 2
    return Outcome(api.requests[1], log)


def invoke_scripted(
    handler: Handler,
    event: object,
    script: Script,
    *later: Script,
    mode: str = "auto",
    loop: Loop = no_loop,
) -> tuple[list[bytes], Log]:
    """Run one invocation whose answer `script` receives; returns the requests that it read."""

    def first(peer: Any) -> None:
        peer.answer(invocation(event))
        script(peer)

    with ScriptedApi(first, *later) as api:
        log = invoke_at(api, handler, mode=mode, loop=loop)
    return api.requests[1:], log


def invoke_at(
    api: ScriptedApi,
    handler: Handler,
    *,
    mode: str = "auto",
    loop: Loop = no_loop,
) -> Log:
    """Run one invocation against an API that is already there; returns what was logged."""
    log = Log()
    with closing(RuntimeApi(api.address, "test")) as client:
        Invocation(client, client.next(), Logs(log, lambda: 1.0), mode=mode, loop=loop, clock=lambda: 1.0).run(handler)
    return log
