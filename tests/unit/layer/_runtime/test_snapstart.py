import sys
from collections.abc import Callable
from contextlib import closing
from types import ModuleType
from typing import Any

import pytest

from invoking import Log
from lambda_streamify._runtime import bootstrap
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from scripted_api import ACCEPTED, Peer, ScriptedApi, answers, reply
from sent import parse

RESTORED = reply(200, b"")


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[Any]]:
    """The hooks before and after, each as AWS's module keeps it: function, arguments, keywords."""
    before, after = list[Any](), list[Any]()
    module = ModuleType("snapshot_restore_py")
    vars(module).update(get_before_snapshot=lambda: before, get_after_restore=lambda: after)
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", module)
    return before, after


def take_snapshot(api: ScriptedApi) -> Log:
    log = Log()
    with closing(RuntimeApi(api.address, "test")) as client:
        bootstrap._take_snapshot(client, Logs(log), lambda: None)  # noqa: SLF001 - a part of the start-up under SnapStart
    return log


def fails(error: BaseException) -> Callable[[], None]:
    def hook() -> None:
        raise error

    return hook


def test_hooks_run_around_the_snapshot_and_in_reverse_order_before_it(hooks: tuple[list[Any], list[Any]]) -> None:
    ran = list[str]()
    before, after = hooks

    def keep(*, text: str) -> None:
        ran.append(text)

    before += [(ran.append, ("before 1",), {}), (ran.append, ("before 2",), {})]
    after += [(ran.append, ("after 1",), {}), (keep, (), {"text": "after 2"})]

    with ScriptedApi(answers(RESTORED)) as api:
        take_snapshot(api)

    assert ran == ["before 2", "before 1", "after 1", "after 2"]
    assert parse(api.requests[0]).path == "/2018-06-01/runtime/restore/next"


def test_no_connection_is_open_during_the_snapshot(hooks: tuple[list[Any], list[Any]]) -> None:
    connected = list[bool]()

    api = ScriptedApi(answers(RESTORED), answers(reply(200, b"{}", "Lambda-Runtime-Aws-Request-Id: 1")))
    with api, closing(RuntimeApi(api.address, "test")) as client:
        hooks[1].append((lambda: connected.append(client._socket is not None), (), {}))  # noqa: SLF001
        bootstrap._take_snapshot(client, Logs(Log()), lambda: None)  # noqa: SLF001
        client.next()

    assert connected == [False]


@pytest.mark.parametrize("error", [ValueError("why"), SystemExit(3)])
def test_a_hook_that_fails_before_the_snapshot_is_an_init_error(
    hooks: tuple[list[Any], list[Any]], error: BaseException
) -> None:
    hooks[0].append((fails(error), (), {}))

    with ScriptedApi(answers(ACCEPTED)) as api, pytest.raises(SystemExit) as raised:
        take_snapshot(api)

    sent = parse(api.requests[0])
    assert raised.value.code == 64
    assert sent.path == "/2018-06-01/runtime/init/error"
    assert sent.headers["lambda-runtime-function-error-type"] == "Runtime.BeforeSnapshotError"
    assert sent.json["errorType"] == type(error).__name__


@pytest.mark.usefixtures("hooks")
def test_a_refused_snapshot_is_an_init_error() -> None:
    with ScriptedApi(answers(reply(500, b"no")), answers(ACCEPTED)) as api, pytest.raises(SystemExit) as raised:
        take_snapshot(api)

    assert raised.value.code == 64
    assert parse(api.requests[1]).json["errorType"] == "RequestRefused"


def test_a_hook_that_fails_after_the_restore_is_a_restore_error(hooks: tuple[list[Any], list[Any]]) -> None:
    hooks[1].append((fails(ValueError("why")), (), {}))

    with ScriptedApi(answers(RESTORED), answers(ACCEPTED)) as api, pytest.raises(SystemExit) as raised:
        take_snapshot(api)

    sent = parse(api.requests[1])
    assert raised.value.code == 65
    assert sent.path == "/2018-06-01/runtime/restore/error"
    assert sent.headers["lambda-runtime-function-error-type"] == "Runtime.AfterRestoreError"
    assert sent.json["errorMessage"] == "why"


def test_startup_functions_run_after_the_restore(hooks: tuple[list[Any], list[Any]]) -> None:
    order: list[str] = []

    def script(peer: Peer) -> None:
        peer.read_request()
        order.append("snapshot")
        peer.send(RESTORED)

    with ScriptedApi(script) as api, closing(RuntimeApi(api.address, "test")) as client:
        hooks[1].append((lambda: order.append("hook"), (), {}))
        bootstrap._take_snapshot(client, Logs(Log()), lambda: order.append("start"))  # noqa: SLF001

    assert order == ["snapshot", "hook", "start"]
