"""The process in which `streamify load` runs Locust, whose users read streams.

It is a separate process because Locust uses gevent, which patches much of the standard library when it is imported. It
reads the plan as JSON from standard input, and prints the figures so far as JSON once per second and at the end.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from locust import User
    from locust.env import Environment

    from .figures import LoadFigures, Measurement

RETRY_DELAY_S = 0.5  # if a request gets no answer


class StreamFailed(Exception):
    """Reports an incomplete stream to Locust."""


def main() -> None:
    """Run the plan from standard input."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until a test runs that could be stopped cleanly
    plan = json.load(sys.stdin)
    import locust  # first, because gevent must patch sockets before another module imports them
    from locust.env import Environment

    from .figures import LoadFigures

    figures = LoadFigures()
    environment = Environment(
        user_classes=[_user_class(plan, figures)], events=locust.events, host=plan["url"], stop_timeout=plan["grace"]
    )

    def add(context: Mapping[str, Any], **_: Any) -> None:
        if "measurement" in context:  # once per stream, not for each of its times
            figures.add(context["measurement"])

    locust.events.request.add_listener(add)  # type: ignore[no-untyped-call]
    _run(environment, plan, lambda seconds: print_figures(figures.as_dict(seconds)))


def _run(environment: Environment, plan: Mapping[str, Any], report: Callable[[float], None]) -> None:
    """Start the users, and stop them at the end of the duration or at Ctrl-C; call `report` once per second."""
    import gevent
    from gevent.event import Event

    runner = environment.create_local_runner()
    web: Any = environment.create_web_ui("127.0.0.1", plan["web"]) if plan["web"] else None
    interrupted = Event()
    gevent.signal_handler(signal.SIGINT, interrupted.set)
    start = time.monotonic()
    runner.start(plan["users"], plan["spawn_rate"])
    left = plan["duration"]
    while not interrupted.wait(min(1, left)) and (left := plan["duration"] - (time.monotonic() - start)) > 0:
        report(time.monotonic() - start)
    seconds = time.monotonic() - start
    runner.quit()
    if web is not None:
        web.stop()
    report(seconds)


def print_figures(figures: Mapping[str, Any]) -> None:
    """Print the figures so far, for the parent process."""
    try:
        print(json.dumps(figures), flush=True)  # noqa: T201 - for the parent process
    except BrokenPipeError:  # the parent has exited
        sys.stderr.close()
        sys.exit(1)


def _user_class(plan: Mapping[str, Any], figures: LoadFigures) -> type[User]:
    """Return the class of users, which request one stream after another."""
    import gevent
    from locust import User, task

    from ..clients.url_client import ask
    from .figures import NO_ANSWER, read

    body = None if plan["body"] is None else plan["body"].encode("utf-8", "surrogateescape")

    class StreamUser(User):
        @task
        def stream(self) -> None:
            try:
                measurement = read(ask(plan["url"], body, plan["headers"], method=plan["method"]))
            except gevent.GreenletExit:
                figures.add_unfinished()
                raise
            report_to_locust(self.environment.events.request.fire, urlsplit(plan["url"]).path or "/", measurement)
            if measurement.outcome == NO_ANSWER:
                gevent.sleep(RETRY_DELAY_S)

    return StreamUser


def report_to_locust(fire: Callable[..., None], name: str, measurement: Measurement) -> None:
    """Report a stream to Locust's statistics and to all other listeners: each of its times as a separate request."""
    timeline = measurement.timeline
    times = {"first byte": timeline.first_byte, "largest gap": None if timeline.gaps is None else timeline.gaps.max}
    for kind, microseconds in times.items():
        if microseconds is not None:
            fire(request_type=kind, name=name, response_time=microseconds / 1000, response_length=0, context={})
    fire(
        request_type="stream",
        name=name,
        response_time=timeline.total / 1000,
        response_length=timeline.bytes,
        exception=StreamFailed(measurement.reason) if measurement.reason else None,
        context={"measurement": measurement},
    )


if __name__ == "__main__":
    main()
