"""The calls of extensions, on the wire, beside those of the runtime."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from asynchronous import run
from lambda_streamify_emulator.extensions.registrations import Extension, Registrations
from lambda_streamify_emulator.extensions.routes import ExtensionsApi, Hooks
from lambda_streamify_emulator.extensions.telemetry import Telemetry
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.limits import LIMITS, Limits
from runtime_peer import FUNCTION, NEXT, Peer, Reply, Scene

REGISTER, EVENT = "/2020-01-01/extension/register", "/2020-01-01/extension/event/next"
INIT_ERROR, EXIT_ERROR = "/2020-01-01/extension/init/error", "/2020-01-01/extension/exit/error"
TELEMETRY, LOGS = "/2022-07-01/telemetry", "/2020-08-15/logs"
NOBODY = "00000000-0000-0000-0000-000000000000"
ERROR_TYPE = "Lambda-Extension-Function-Error-Type"
OK = (200, b'"OK"')


def ask(method: str, path: str, body: object = None, **fields: str) -> bytes:
    """Return a request; the names of `fields` are headers, with underscores for hyphens."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    length = [f"Content-Length: {len(content)}"] if content else []
    head = "\r\n".join((f"{method} {path} HTTP/1.1", "Host: localhost", *lines, *length, "", ""))
    return head.encode() + content


class Extensions:
    """The API on the connections of a Runtime API, and what it told its sandbox."""

    def __init__(self, scene: Scene, limits: Limits) -> None:
        self.happened: list[tuple[str, str]] = []
        self.registrations = Registrations()
        self.telemetry = Telemetry(lambda _: None)
        hooks = Hooks(
            lambda extension: self.happened.append(("waits", extension.name)),
            lambda extension: self.happened.append(("registered", extension.name)),
            lambda extension: self.happened.append(("reported", extension.error_type)),
            lambda extension, api: self.happened.append((api.name, extension.name)),
        )
        self.api = ExtensionsApi(FUNCTION, self.registrations, self.telemetry, hooks, limits)
        scene.api.mount(self.api)

    def add(self, name: str = "inner", *events: str) -> Extension:
        """Register an extension."""
        return self.registrations.register(name, events)


@asynccontextmanager
async def serving(limits: Limits = LIMITS) -> AsyncIterator[tuple[Peer, Extensions, Scene]]:
    async with Scene() as scene:
        extensions = Extensions(scene, limits)
        try:
            yield await scene.connect(), extensions, scene
        finally:
            extensions.telemetry.close()


def refused(reply: Reply) -> tuple[int, str, str]:
    """Return the status, the error type and the message of a refusal."""
    report: dict[str, Any] = json.loads(reply.body)
    return reply.status, report["errorType"], report["errorMessage"]


def test_a_registration_tells_of_the_function() -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, _):
            plain = await peer.ask(ask("POST", REGISTER, {"events": ["INVOKE"]}, Lambda_Extension_Name="one"))
            fields = {"Lambda_Extension_Name": "two", "Lambda_Extension_Accept_Feature": "other, accountId"}
            asked = await peer.ask(ask("POST", REGISTER, {}, **fields))

            properties = {"functionName": "hello", "functionVersion": "$LATEST", "handler": "app.handler"}
            assert (plain.status, json.loads(plain.body)) == (200, properties)
            assert json.loads(asked.body) == {**properties, "accountId": "123456789012"}
            identifier = plain.headers["lambda-extension-identifier"]
            found = extensions.registrations.find(identifier)
            assert found is not None
            assert (found.name, found.events) == ("one", ("INVOKE",))
            assert extensions.happened == [("registered", "one"), ("registered", "two")]

    run(main())


BAD_REGISTRATIONS = [
    (b"", "InvalidRequestFormat", "the body is not JSON: "),
    (b"[]", "InvalidRequestFormat", "the body is not a JSON object"),
    (b'{"events": "INVOKE"}', "InvalidRequestFormat", "events is not a list of names"),
    (b'{"configurationKeys": ["a"]}', "InvalidRequestFormat", "configurationKeys are deprecated; use environment"),
    (b'{"events": ["A"]}', "Extension.InvalidEventType", "A: ErrorInvalidEventType"),
]


@pytest.mark.parametrize(("body", "error_type", "message"), BAD_REGISTRATIONS)
def test_a_registration_that_is_wrong_is_refused(body: bytes, error_type: str, message: str) -> None:
    async def main() -> None:
        async with serving() as (peer, _, __):
            reply = await peer.ask(ask("POST", REGISTER, body, Lambda_Extension_Name="one"))

            assert refused(reply)[:2] == (403, error_type)
            assert refused(reply)[2].startswith(message)

    run(main())


def test_a_registration_without_a_name_is_refused_whatever_its_body_is() -> None:
    async def main() -> None:
        async with serving() as (peer, _, __):
            reply = await peer.ask(ask("POST", REGISTER, b"["))
            assert refused(reply) == (403, "Extension.InvalidExtensionName", "Empty extension name")

    run(main())


def test_next_is_answered_when_there_is_an_event() -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, scene):
            extension = extensions.add("inner", "INVOKE")
            await peer.send(ask("GET", EVENT, Lambda_Extension_Identifier=extension.identifier))
            await scene.until(lambda: extensions.happened)
            assert extensions.happened == [("waits", "inner")]
            extensions.api.send(extension, {"eventType": "INVOKE"})
            reply = await peer.reply()

            assert (reply.status, reply.body) == (200, b'{"eventType":"INVOKE"}')
            assert len(reply.headers["lambda-extension-event-identifier"]) == len(NOBODY)
            assert extension.state == "Running"

    run(main())


def test_an_event_for_an_extension_whose_connection_is_gone_is_lost() -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, scene):
            extension = extensions.add("inner", "INVOKE")
            await peer.send(ask("GET", EVENT, Lambda_Extension_Identifier=extension.identifier))
            await scene.until(lambda: extensions.happened)
            scene.api.abort()
            await scene.until(lambda: not scene.api._connections)  # noqa: SLF001
            extensions.api.send(extension, {"eventType": "INVOKE"})

            other = await scene.connect()
            await other.send(ask("GET", EVENT, Lambda_Extension_Identifier=extension.identifier))
            await scene.until(lambda: len(extensions.happened) == 2)
            assert extension.state == "Ready"

    run(main())


def test_an_extension_that_waits_may_not_ask_again() -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, scene):
            extension = extensions.add()
            await peer.send(ask("GET", EVENT, Lambda_Extension_Identifier=extension.identifier))
            await scene.until(lambda: extensions.happened)
            other = await scene.connect()
            reply = await other.ask(ask("GET", EVENT, Lambda_Extension_Identifier=extension.identifier))

            message = f"State transition from Ready to Ready failed for extension {extension.identifier}. Error: "
            assert refused(reply)[:2] == (403, "Extension.InvalidExtensionState")
            assert refused(reply)[2].startswith(message)

    run(main())


@pytest.mark.parametrize(("path", "state"), [(INIT_ERROR, "InitError"), (EXIT_ERROR, "ExitError")])
def test_an_error_is_accepted_and_the_first_one_counts(path: str, state: str) -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, _):
            extension = extensions.add()
            for name in ("Extension.First", "Extension.Second"):
                fields = {"Lambda_Extension_Identifier": extension.identifier, ERROR_TYPE.replace("-", "_"): name}
                reply = await peer.ask(ask("POST", path, {"errorMessage": "m"}, **fields))
                assert (reply.status, reply.body) == (202, b'{"status":"OK"}\n')

            assert (extension.state, extension.error_type) == (state, "Extension.First")
            assert extensions.happened[0] == ("reported", "Extension.First")

    run(main())


def test_an_error_needs_a_type() -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, _):
            identifier = extensions.add().identifier
            reply = await peer.ask(ask("POST", EXIT_ERROR, Lambda_Extension_Identifier=identifier))
            assert refused(reply) == (403, "Extension.MissingHeader", f"{ERROR_TYPE} not found")

    run(main())


UNIDENTIFIED = [
    ({}, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"),
    ({"Lambda_Extension_Identifier": "x"}, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Id"),
    ({"Lambda_Extension_Identifier": NOBODY}, "Extension.UnknownExtensionIdentifier", "Unknown "),
]
CALLS = [("GET", EVENT), ("POST", INIT_ERROR), ("POST", EXIT_ERROR), ("PUT", TELEMETRY), ("PUT", LOGS)]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(("fields", "error_type", "message"), UNIDENTIFIED)
def test_every_other_call_needs_an_identifier(
    method: str, path: str, fields: dict[str, str], error_type: str, message: str
) -> None:
    async def main() -> None:
        async with serving() as (peer, _, __):
            reply = await peer.ask(ask(method, path, **fields))
            assert refused(reply)[:2] == (403, error_type)
            assert refused(reply)[2].startswith(message)

    run(main())


def test_an_unknown_identifier_is_named_by_some_calls() -> None:
    """Observed with AWS's Runtime Interface Emulator."""

    async def main() -> None:
        async with serving() as (peer, _, __):
            fields = {"Lambda_Extension_Identifier": NOBODY}
            assert refused(await peer.ask(ask("GET", EVENT, **fields)))[2] == f"Unknown extension {NOBODY}"
            unknown = "Unknown Lambda-Extension-Identifier"
            assert refused(await peer.ask(ask("POST", INIT_ERROR, **fields)))[2] == unknown

    run(main())


@pytest.mark.parametrize(("method", "path"), [("POST", REGISTER), *CALLS])
def test_another_method_is_not_allowed(method: str, path: str) -> None:
    async def main() -> None:
        async with serving() as (peer, _, __):
            reply = await peer.ask(ask("DELETE", path))
            assert (reply.status, reply.headers["allow"], reply.body) == (405, method, b"")

    run(main())


def test_a_body_may_not_be_endless() -> None:
    async def main() -> None:
        async with serving(Limits(error=10)) as (peer, _, __):
            reply = await peer.ask(ask("POST", REGISTER, b"{" + b" " * 10, Lambda_Extension_Name="one"))
            assert refused(reply)[:2] == (413, "RequestEntityTooLarge")

    run(main())


def test_other_paths_are_the_runtimes() -> None:
    async def main() -> None:
        async with serving() as (peer, _, scene):
            scene.api.invoke(Invocation(b"7"))
            assert (await peer.ask(NEXT)).body == b"7"
            assert (await peer.ask(ask("GET", "/2020-01-01/extension/nope"))).status == 404
            assert (await peer.ask(ask("PUT", TELEMETRY + "/"))).status == 404

    run(main())


def test_a_web_page_cannot_register() -> None:
    async def main() -> None:
        async with serving() as (peer, _, __):
            page = ask("POST", REGISTER, {}, Lambda_Extension_Name="one", Origin="http://example.com")
            assert refused(await peer.ask(page))[:2] == (403, "AccessDenied")

    run(main())


# --- subscriptions ---------------------------------------------------------------------------------------------------


def wanting(port: int = 1, **fields: Any) -> dict[str, Any]:
    destination = {"protocol": "TCP", "port": port}
    return {"schemaVersion": "2022-07-01", "types": ["platform"], "destination": destination, **fields}


def test_an_extension_subscribes_and_changes_its_mind() -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, _):
            field = {"Lambda_Extension_Identifier": extensions.add().identifier}
            for types in (["platform"], ["function"]):
                reply = await peer.ask(ask("PUT", TELEMETRY, wanting(types=types), **field))
                assert (reply.status, reply.body) == OK

            subscription = extensions.telemetry.subscription("inner")
            assert subscription is not None
            assert subscription.types == ("function",)
            assert extensions.happened == [("Telemetry", "inner")]
            await asyncio.sleep(0)

    run(main())


def test_a_subscription_that_is_wrong_is_refused() -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, _):
            field = {"Lambda_Extension_Identifier": extensions.add().identifier}
            wrong = wanting(types=[])
            telemetry = await peer.ask(ask("PUT", TELEMETRY, wrong, **field))
            logs = await peer.ask(ask("PUT", LOGS, {**wrong, "schemaVersion": "2020-08-15"}, **field))

            assert refused(telemetry) == (400, "ValidationError", "types should not be empty")
            assert refused(logs) == (400, "Logs.ValidationError", "types should not be empty")

    run(main())


def test_one_of_the_two_apis_may_be_used() -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, _):
            field = {"Lambda_Extension_Identifier": extensions.add().identifier}
            assert (await peer.ask(ask("PUT", TELEMETRY, wanting(), **field))).status == 200
            reply = await peer.ask(ask("PUT", LOGS, wanting(schemaVersion="2021-03-18"), **field))

            message = "inner has subscribed to the Telemetry API already"
            assert refused(reply) == (400, "Logs.ValidationError", message)

    run(main())


@pytest.mark.parametrize(("path", "name"), [(TELEMETRY, "Telemetry"), (LOGS, "Logs")])
def test_after_init_it_is_too_late(path: str, name: str) -> None:
    async def main() -> None:
        async with serving() as (peer, extensions, _):
            extensions.telemetry.close_subscription()
            field = {"Lambda_Extension_Identifier": extensions.add().identifier}
            reply = await peer.ask(ask("PUT", path, wanting(), **field))

            assert refused(reply) == (403, f"{name}.SubscriptionClosed", f"{name} API subscription is closed")

    run(main())
