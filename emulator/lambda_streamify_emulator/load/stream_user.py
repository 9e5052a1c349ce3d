"""The user of Locust that reads streams, for locustfiles of one's own."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import gevent  # Locust, whose module has patched the sockets
import locust
from locust import User
from locust.exception import StopUser

from ..clients.url_client import ask
from ..errors import LoadError
from .collection import COLLECTION
from .locust_request import report_to_locust
from .measurement import NO_ANSWER, Measurement, read
from .slo import parse_slo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust.env import Environment

    from .dispatcher import Dispatcher

RETRY_DELAY_S = 0.5  # if a request gets no answer


class StreamUser(User):
    """A user of Locust that reads streams and measures them: first byte, gaps between chunks, cuts.

    Derive a class from it in a locustfile, and call `stream` in its tasks:

        from locust import task
        from lambda_streamify_emulator.load import StreamUser

        class Reader(StreamUser):
            host = "https://example.lambda-url.us-east-1.on.aws"
            slo = "ttfb=500ms,gap=200ms"

            @task
            def story(self) -> None:
                self.stream("/story")

    When Locust ends, it prints the streams' figures as a table to standard error, in the master those of all workers.
    """

    abstract = True

    rate: float | None = None
    """How many streams each user requests per second on average, at random times (a Poisson process), whether or not
    earlier streams have ended. The users share what is due, so their number is the highest number of streams at a time.
    It takes the place of `wait_time`. None: each user runs its next task when the last one is over."""

    slo: str | None = None
    """The limits of a good stream: `ttfb`, `gap` and `total` with times in us, ms or s: `"ttfb=500ms,gap=200ms"`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.rate is not None and cls.rate <= 0:
            raise LoadError(f"{cls.__name__}.rate is {cls.rate}: give a number of streams per second above 0")
        if cls.slo is not None:
            parse_slo(cls.slo)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._slo = None if self.slo is None else parse_slo(self.slo)
        self._dispatcher: Dispatcher | None = None
        self._due: float | None = None
        if self.rate is not None:
            self.wait_time: Any = partial(self._wait_until_due, self.rate)

    def stream(
        self,
        path: str = "",
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        ends_with: bytes = b"",
        name: str | None = None,
    ) -> Measurement:
        """Request a stream from `host` + `path`, read it to its end and return its measurement.

        The default method is GET, or POST with a `body`. A function URL that needs signed requests gets them, if there
        are credentials. Locust shows the stream as `name`, by default the path. A failure is counted and does not
        raise; `outcome` of the measurement says how the stream ended. It is "cut" also if the connection ended normally
        and the body does not end with `ends_with`, apart from white space.

        With `rate`, the first stream of a task counts its times from when it was due.
        """
        url = f"{self.host or ''}{path}"
        if self.rate is not None and self._dispatcher is None:  # Locust runs the first task without waiting
            self.wait()  # type: ignore[no-untyped-call]
        wait = self._start()
        try:
            measurement = read(ask(url, body, headers, method=method), wait, ends_with)
        except gevent.GreenletExit:
            COLLECTION.latest.add_unfinished()
            raise
        COLLECTION.latest.add(measurement, self._slo)
        report_to_locust(self.environment.events.request.fire, name or urlsplit(url).path or "/", measurement)
        if measurement.outcome == NO_ANSWER:
            gevent.sleep(RETRY_DELAY_S)
        return measurement

    def _wait_until_due(self, rate: float) -> int:
        """Wait until a request is due. Locust calls it as `wait_time`, and waits for what it returns: no longer."""
        if self._dispatcher is None:
            self._dispatcher = COLLECTION.dispatcher(type(self), rate)
            self._dispatcher.join(self._is_running)
        self._due = self._dispatcher.take()
        return 0

    def _start(self) -> int:
        """Return how many microseconds ago the request was due: 0 if it was due at no time."""
        due, self._due = self._due, None
        if due is None:
            return 0
        if COLLECTION.has_ended:
            raise StopUser
        wait = max(0, round((time.monotonic() - due) * 1_000_000))
        COLLECTION.latest.add_wait(wait)
        return wait

    def _is_running(self) -> bool:
        greenlet: Any = self.greenlet
        return not greenlet.ready()


COLLECTION.listen(locust.events)
