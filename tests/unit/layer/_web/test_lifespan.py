import asyncio
import logging
from typing import Any

import pytest

from asynchronous import run
from lambda_streamify._web.lifespan import AUTO, MODES, ON, Lifespan
from lambda_streamify.errors import HandlerError


class Broken(Exception):
    pass


def app_that_sends(*kinds: str, message: str = "", then: BaseException | None = None) -> Any:
    """Return an app that answers each message with the next of these kinds."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        for kind in kinds:
            await receive()
            await send({"type": f"lifespan.{kind}", "message": message})
        if then is not None:
            raise then

    return app


def test_an_app_starts_and_ends_and_both_are_awaited() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        for what in ("startup", "shutdown"):
            seen.append((await receive())["type"])
            await asyncio.sleep(0)
            seen.append(f"{what} done")
            await send({"type": f"lifespan.{what}.complete"})

    async def main() -> None:
        lifespan = Lifespan(app, AUTO)
        assert not lifespan.started
        await lifespan.start()
        assert lifespan.started
        assert seen.pop(0) == {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        assert seen == ["lifespan.startup", "startup done"]
        await lifespan.stop()
        assert seen[2:] == ["lifespan.shutdown", "shutdown done"]

    run(main())


def test_the_apps_state_is_available_to_its_requests() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        scope["state"]["pool"] = "open"
        await send({"type": "lifespan.startup.complete"})
        await receive()

    async def main() -> None:
        lifespan = Lifespan(app, AUTO)
        await lifespan.start()
        assert lifespan.state == {"pool": "open"}
        await lifespan.stop()

    run(main())


@pytest.mark.parametrize("mode", [AUTO, ON])
def test_a_startup_that_failed_is_an_error_with_the_apps_message(mode: str) -> None:
    lifespan = Lifespan(app_that_sends("startup.failed", message="no database", then=Broken("why")), mode)

    with pytest.raises(HandlerError, match="the app could not start: no database") as caught:
        run(lifespan.start())

    assert isinstance(caught.value.__cause__, Broken)


def test_a_startup_that_failed_without_a_message_is_described_by_its_exception() -> None:
    lifespan = Lifespan(app_that_sends("startup.failed", then=Broken("why")), AUTO)

    with pytest.raises(HandlerError, match=r"the app could not start: Broken\('why'\)"):
        run(lifespan.start())


def test_an_app_that_still_runs_after_its_startup_failed_is_cancelled() -> None:
    ended: list[str] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed"})
        try:
            await receive()
        finally:
            ended.append("finally")

    with pytest.raises(HandlerError):
        run(Lifespan(app, AUTO).start())
    assert ended == ["finally"]


async def refuses(scope: Any, _receive: Any, _send: Any) -> None:
    assert scope["type"] == "http"


async def ignores(_scope: Any, _receive: Any, _send: Any) -> None:
    pass


@pytest.mark.parametrize("app", [refuses, ignores])
def test_with_auto_an_app_without_lifespan_support_runs(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        lifespan = Lifespan(app, AUTO)
        await lifespan.start()
        assert lifespan.started
        await lifespan.stop()

    run(main())
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "the app runs without lifespan" in caplog.text


@pytest.mark.parametrize(("app", "how"), [(refuses, "raised AssertionError"), (ignores, "returned")])
def test_with_on_an_app_without_lifespan_support_is_an_error(app: Any, how: str) -> None:
    with pytest.raises(HandlerError, match=f'"on", but the app {how}.*pass lifespan="off" or'):
        run(Lifespan(app, ON).start())


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (app_that_sends("startup.complete", "shutdown.failed", message="still busy"), "still busy"),
        (app_that_sends("startup.complete", "shutdown.complete", then=Broken("late")), "Broken('late')"),
        (app_that_sends("startup.complete", then=Broken("early")), "Broken('early')"),
    ],
)
def test_a_shutdown_that_fails_is_logged(app: Any, said: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        lifespan = Lifespan(app, AUTO)
        await lifespan.start()
        await lifespan.stop()

    run(main())
    assert f"the app failed to shut down: {said}" in caplog.text


def test_an_app_that_has_already_ended_gets_no_shutdown() -> None:
    async def main() -> None:
        lifespan = Lifespan(app_that_sends("startup.complete"), AUTO)
        await lifespan.start()
        await asyncio.sleep(0)
        await lifespan.stop()
        await lifespan.stop()

    run(main())


def test_the_error_of_an_app_that_ends_by_itself_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    crashed = asyncio.Event()

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await asyncio.sleep(0)
        try:
            raise Broken("in between")  # noqa: TRY301 - as an app's own code may do
        except Broken:  # as Starlette does
            await send({"type": "lifespan.shutdown.failed", "message": "a traceback"})
            raise
        finally:
            crashed.set()

    async def main() -> None:
        lifespan = Lifespan(app, ON)
        await lifespan.start()
        await crashed.wait()
        await lifespan.stop()

    run(main())
    assert "the app failed to shut down: Broken('in between')" in caplog.text


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (("shutdown.complete",), "'lifespan.shutdown.complete'; it must answer with lifespan.startup.complete or"),
        (("nonsense",), "'lifespan.nonsense'; it must answer with lifespan.startup.complete or"),
    ],
)
def test_an_answer_to_another_message_is_an_error(kinds: tuple[str, ...], message: str) -> None:
    with pytest.raises(HandlerError) as caught:
        run(Lifespan(app_that_sends(*kinds), ON).start())

    assert message in str(caught.value.__cause__)


def test_a_second_answer_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.startup.complete"})

    async def main() -> None:
        lifespan = Lifespan(app, ON)
        await lifespan.start()
        await lifespan.stop()

    run(main())
    assert "has answered lifespan.startup already" in caplog.text


def test_the_lifespan_has_three_modes() -> None:
    assert MODES == ("auto", "on", "off")
