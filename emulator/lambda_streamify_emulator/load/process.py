"""The process of `streamify load`: Locust's users read streams. `load` starts it, and reads what it prints.

Locust runs on gevent, which replaces much of the standard library when it is imported: hence a process of its own. It
takes the plan as JSON on standard input; once a second, and at the end, it prints the figures so far as JSON.
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

    from .figures import LoadFigures, Seen

PAUSE = 0.5  # seconds, before a user asks again where nothing has answered


class StreamFailed(Exception):
    """What Locust is told of a stream that was not complete."""


def main() -> None:
    """Run the plan that comes on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is a test that could be ended in good order
    plan = json.load(sys.stdin)
    import locust  # before whatever imports sockets: that is when gevent replaces them
    from locust.env import Environment

    from .figures import LoadFigures

    figures = LoadFigures()
    environment = Environment(
        user_classes=[_user_class(plan, figures)], events=locust.events, host=plan["url"], stop_timeout=plan["grace"]
    )

    def heard(context: Mapping[str, Any], **_: Any) -> None:
        if "seen" in context:  # once for each stream, not for each of its times
            figures.add(context["seen"])

    locust.events.request.add_listener(heard)  # type: ignore[no-untyped-call]
    _run(environment, plan, lambda seconds: say(figures.as_dict(seconds)))


def _run(environment: Environment, plan: Mapping[str, Any], look: Callable[[float], None]) -> None:
    """Start the users; stop them when the time is over, or at Ctrl-C."""
    import gevent
    from gevent.event import Event

    runner = environment.create_local_runner()
    web: Any = environment.create_web_ui("127.0.0.1", plan["web"]) if plan["web"] else None
    over = Event()
    gevent.signal_handler(signal.SIGINT, over.set)
    began = time.monotonic()
    runner.start(plan["users"], plan["spawn_rate"])
    left = plan["duration"]
    while not over.wait(min(1, left)) and (left := plan["duration"] - (time.monotonic() - began)) > 0:
        look(time.monotonic() - began)
    seconds = time.monotonic() - began
    runner.quit()
    if web is not None:
        web.stop()
    look(seconds)


def say(figures: Mapping[str, Any]) -> None:
    """Print the figures so far."""
    try:
        print(json.dumps(figures), flush=True)  # noqa: T201 - for the other process
    except BrokenPipeError:  # which is there no more
        sys.stderr.close()
        sys.exit(1)


def _user_class(plan: Mapping[str, Any], figures: LoadFigures) -> type[User]:
    """The class of users that ask for one stream after the other."""
    import gevent
    from locust import User, task

    from ..commands.url_client import ask
    from .figures import NO_ANSWER, read

    body = None if plan["event"] is None else plan["event"].encode("utf-8", "surrogateescape")

    class StreamUser(User):
        @task
        def stream(self) -> None:
            try:
                seen = read(ask(plan["url"], body, plan["headers"]))
            except gevent.GreenletExit:
                figures.leave()
                raise
            tell(self.environment.events.request.fire, urlsplit(plan["url"]).path or "/", seen)
            if seen.outcome == NO_ANSWER:
                gevent.sleep(PAUSE)

    return StreamUser


def tell(fire: Callable[..., None], name: str, seen: Seen) -> None:
    """Have Locust's statistics, and whatever else listens to it, know of a stream: of each of its times by itself."""
    timeline = seen.timeline
    times = {"first byte": timeline.first_byte, "largest gap": None if timeline.gaps is None else timeline.gaps.max}
    for kind, microseconds in times.items():
        if microseconds is not None:
            fire(request_type=kind, name=name, response_time=microseconds / 1000, response_length=0, context={})
    fire(
        request_type="stream",
        name=name,
        response_time=timeline.total / 1000,
        response_length=timeline.bytes,
        exception=StreamFailed(seen.reason) if seen.reason else None,
        context={"seen": seen},
    )


if __name__ == "__main__":
    main()
