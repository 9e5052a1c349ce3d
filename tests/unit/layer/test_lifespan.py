import asyncio
import logging
from typing import Any

import pytest

from asynchronous import run
from lambda_streamify.errors import HandlerError
from lambda_streamify.lifespan import AUTO, MODES, ON, Lifespan


class Broken(Exception):
    pass


def app_that_sends(*kinds: str, message: str = "", then: BaseException | None = None) -> Any:
    """Return an app that answers each message it receives with the next of these."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        for kind in kinds:
            await receive()
            await send({"type": f"lifespan.{kind}", "message": message})
        if then is not None:
            raise then

    return app


def test_an_app_is_told_to_start_and_to_end_and_each_is_waited_for() -> None:
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


def test_what_the_app_puts_into_its_state_is_there_for_the_requests() -> None:
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


def test_a_startup_that_failed_without_a_word_is_told_by_what_was_raised() -> None:
    lifespan = Lifespan(app_that_sends("startup.failed", then=Broken("why")), AUTO)

    with pytest.raises(HandlerError, match=r"the app could not start: Broken\('why'\)"):
        run(lifespan.start())


def test_an_app_that_goes_on_after_its_startup_failed_is_cancelled() -> None:
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
def test_under_auto_an_app_without_lifespan_is_run_without(app: Any, caplog: pytest.LogCaptureFixture) -> None:
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
def test_under_on_that_is_an_error(app: Any, how: str) -> None:
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
    assert f"the app's lifespan has failed: {said}" in caplog.text


def test_an_app_that_has_ended_early_is_not_asked_to() -> None:
    async def main() -> None:
        lifespan = Lifespan(app_that_sends("startup.complete"), AUTO)
        await lifespan.start()
        await asyncio.sleep(0)
        await lifespan.stop()
        await lifespan.stop()

    run(main())


def test_an_app_that_ends_unasked_of_an_error_is_told_by_that_error(caplog: pytest.LogCaptureFixture) -> None:
    crashed = asyncio.Event()

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await asyncio.sleep(0)
        try:
            raise Broken("in between")  # noqa: TRY301 - as an app's own code does somewhere below
        except Broken:  # as Starlette does it
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
    assert "the app's lifespan has failed: Broken('in between')" in caplog.text


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (("shutdown.complete",), "'lifespan.shutdown.complete' where lifespan.startup.complete or"),
        (("nonsense",), "'lifespan.nonsense' where lifespan.startup.complete or"),
    ],
)
def test_an_answer_that_was_not_asked_for_is_an_error(kinds: tuple[str, ...], message: str) -> None:
    with pytest.raises(HandlerError) as caught:
        run(Lifespan(app_that_sends(*kinds), ON).start())

    assert message in str(caught.value.__cause__)


def test_so_is_a_second_answer(caplog: pytest.LogCaptureFixture) -> None:
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


def test_there_are_three_modes() -> None:
    assert MODES == ("auto", "on", "off")
