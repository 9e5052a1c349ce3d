"""The object behind the fixture `streamify`: the functions of a template, for one test."""

from __future__ import annotations

import json as json_module
import time
from typing import TYPE_CHECKING, Any

from ..clients.signing import Signer
from ..web.iam import SCOPE
from .client import Exchange, Invocation, OpenStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..invocations.lockstep import Steps
    from .emulator import LogLine, TemplateEmulator
    from .result import StreamResult


class Streamify:
    """The functions of the template, running in the emulator. `logs` has only the lines of this test."""

    def __init__(self, emulator: TemplateEmulator) -> None:
        self._emulator = emulator
        self._first_line = len(emulator.lines)
        self._requests: list[tuple[OpenStream, Steps]] = []

    @property
    def urls(self) -> dict[str, str]:
        """The function URLs, by function name."""
        return self._emulator.urls

    @property
    def apis(self) -> dict[str, str]:
        """The addresses of the REST APIs' stages, by logical id of the API."""
        return self._emulator.apis

    @property
    def lambda_api(self) -> str:
        """The endpoint for boto3 and other SDKs."""
        return self._emulator.lambda_api

    @property
    def logs(self) -> list[LogLine]:
        """The log lines of functions during this test, each with `function` and `text`.

        The lines of each response that has been read to its end are complete: this property waits for its REPORT line.
        """
        for stream, steps in self._requests:
            if stream.is_over:
                self._emulator.wait_until_over(steps)
        return self._emulator.lines[self._first_line :]

    def invoke(self, name: str, event: Any = None) -> StreamResult:
        """Invoke a function through the Lambda API with `event`, {} by default; read its response to the end."""
        with self.open(name, event={} if event is None else event) as stream:
            return stream.result()

    def request(
        self,
        name: str,
        method: str = "GET",
        path: str = "/",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        json: Any = None,
    ) -> StreamResult:
        """Send a request to a function's URL, and read the response to its end.

        `name` is the name of a function, or the logical id of a REST API; the path of a REST API may begin with its
        stage. `json` is a value to send as a JSON body. Raises LookupError for an unknown name.

            result = streamify.request("chat", "POST", json={"prompt": "Hello"})
        """
        with self.open(name, method, path, headers=headers, body=body, json=json) as stream:
            return stream.result()

    def get(self, name: str, path: str = "/", *, headers: Mapping[str, str] | None = None) -> StreamResult:
        """Send a GET request; see `request`."""
        return self.request(name, "GET", path, headers=headers)

    def post(
        self,
        name: str,
        path: str = "/",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        json: Any = None,
    ) -> StreamResult:
        """Send a POST request; see `request`."""
        return self.request(name, "POST", path, headers=headers, body=body, json=json)

    def open(
        self,
        name: str,
        method: str = "GET",
        path: str = "/",
        *,
        event: Any = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        json: Any = None,
    ) -> OpenStream:
        """Send a request, and return a response to read step by step, in a `with` block.

        With `event`, invoke the function through the Lambda API; otherwise send a request to its URL. A request to a
        URL whose AuthType is AWS_IAM is signed, unless `headers` contain Authorization. Each `next(stream)` returns a
        chunk; the chunk after it is held back until the next call. Raises LookupError for an unknown name.
        """
        start = time.monotonic()
        if event is not None:
            self._check(name, has_url=False)
            invocation = Invocation(self.lambda_api)
            steps = self._emulator.expect(invocation.port)
            invocation.invoke(name, json_module.dumps(event).encode())
            return self._stream_of(name, invocation, steps, start)
        self._check(name, has_url=True)
        fields = dict(headers or {})
        if json is not None:
            body = json_module.dumps(json)
            fields.setdefault("content-type", "application/json")
        exchange = Exchange({**self.apis, **self.urls}[name])
        steps = self._emulator.expect(exchange.port)
        sent = body.encode() if isinstance(body, str) else body
        if name in self._emulator.signed and "authorization" not in map(str.lower, fields):
            signer = Signer(lambda: self._emulator.iam.credentials, SCOPE)
            fields |= signer.headers(method, self.urls[name].removesuffix("/") + path, fields, sent)
        exchange.send(method, path, fields, sent)
        return self._stream_of(name, exchange, steps, start)

    def close(self) -> None:
        """Close the streams that the test has left open; wait for the log lines that belong to it."""
        for stream, steps in self._requests:
            stream.close()
            if stream.is_over:
                self._emulator.wait_until_over(steps)

    def _stream_of(self, name: str, exchange: Exchange, steps: Steps, start: float) -> OpenStream:
        stream = OpenStream(name, exchange, steps, start)
        self._requests.append((stream, steps))
        return stream

    def _check(self, name: str, *, has_url: bool) -> None:
        known = [function.name for function in self._emulator.template.functions]
        if name in ({*self.urls, *self.apis} if has_url else known):
            return
        if name in known and has_url:
            problem = f"the function {name} has no FunctionUrlConfig: use streamify.invoke, or add one to the template"
        else:
            known += self.apis if has_url else []
            problem = f"there is no function {name!r}: there are {', '.join(known)}"
        raise LookupError(". ".join([f"{self._emulator.path}: {problem}", *self._emulator.messages]))
