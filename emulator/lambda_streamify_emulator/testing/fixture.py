"""The fixture `streamify`: the functions of a template as a test sees them."""

from __future__ import annotations

import json as json_module
import time
from typing import TYPE_CHECKING, Any

from ..commands.signing import Signer
from ..web.iam import SCOPE
from .client import Exchange, Invocation, OpenStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..invocations.lockstep import Steps
    from .emulator import LogLine, TemplateEmulator
    from .result import StreamResult


class Streamify:
    """The functions of the template, in the emulator. What `logs` shows begins with the test."""

    def __init__(self, emulator: TemplateEmulator) -> None:
        self._emulator = emulator
        self._first_line = len(emulator.lines)
        self._requests: list[tuple[OpenStream, Steps]] = []

    @property
    def urls(self) -> dict[str, str]:
        """The function URLs, by the functions' names."""
        return self._emulator.urls

    @property
    def apis(self) -> dict[str, str]:
        """The addresses of the REST APIs' stages, by the APIs' logical ids."""
        return self._emulator.apis

    @property
    def lambda_api(self) -> str:
        """The endpoint for boto3 and other SDKs."""
        return self._emulator.lambda_api

    @property
    def logs(self) -> list[LogLine]:
        """What functions have printed in this test: `function` and `text` of each line.

        It is complete for all responses that have been read to their end: reading this waits for the REPORT line.
        """
        for stream, steps in self._requests:
            if stream.is_over:
                self._emulator.wait_until_over(steps)
        return self._emulator.lines[self._first_line :]

    def invoke(self, name: str, event: Any = None) -> StreamResult:
        """Invoke a function through the Lambda API, and read its stream to the end."""
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
        """Send a request to a function's URL, and read the response to its end. `json` is a value to send as JSON.

        `name` may be that of a REST API, a logical id; then the path leads to a function of it, with or without stage.
        """
        with self.open(name, method, path, headers=headers, body=body, json=json) as stream:
            return stream.result()

    def get(self, name: str, path: str = "/", *, headers: Mapping[str, str] | None = None) -> StreamResult:
        """Send a GET."""
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
        """Send a POST."""
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
        """A response to read step by step, for a `with` block; returns when its first chunk is there.

        With `event` the function is invoked through the Lambda API, else its URL is asked; a request to a URL whose
        AuthType is AWS_IAM is signed, unless `headers` say who asks. Each `next(stream)` gives a
        chunk, and the one after it is held back until the next call.
        """
        began = time.monotonic()
        if event is not None:
            self._check(name, has_url=False)
            invocation = Invocation(self.lambda_api)
            steps = self._emulator.expect(invocation.port)
            invocation.invoke(name, json_module.dumps(event).encode())
            return self._opened(name, invocation, steps, began)
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
        return self._opened(name, exchange, steps, began)

    def close(self) -> None:
        """End the reading of what the test has left open, and let its log be the test's own."""
        for stream, steps in self._requests:
            stream.close()
            if stream.is_over:
                self._emulator.wait_until_over(steps)

    def _opened(self, name: str, exchange: Exchange, steps: Steps, began: float) -> OpenStream:
        stream = OpenStream(name, exchange, steps, began)
        self._requests.append((stream, steps))
        return stream

    def _check(self, name: str, *, has_url: bool) -> None:
        known = [function.name for function in self._emulator.template.functions]
        if name in ({*self.urls, *self.apis} if has_url else known):
            return
        if name in known and has_url:
            problem = f"the function {name} has no FunctionUrlConfig: use streamify.invoke, or give it a URL"
        else:
            known += self.apis if has_url else []
            problem = f"no function is called {name!r}: there are {', '.join(known)}"
        raise LookupError(". ".join([f"{self._emulator.path}: {problem}", *self._emulator.said]))
