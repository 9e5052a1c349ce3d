"""The samples' events and recordings in events/: what to ask a sample, and whether it has answered as recorded.

Nothing that the samples answer varies, so that recordings and responses are compared byte by byte, with no masks. Of
the headers only those are left out that the server adds: the date, the framing, and the request's own id and trace.
"""

import base64
from typing import Any

from lambda_streamify_emulator.analysis.diff import compare
from lambda_streamify_emulator.recordings.recording import HEAD, Event, RecordingReader
from lambda_streamify_emulator.template.reader import load_template
from lambda_streamify_emulator.testing.fixture import Streamify
from processes import ROOT
from request_events import FOLDER, event

FUNCTIONS = {function.name: function for function in load_template(ROOT / "template.yaml").functions}
# They need AWS services, or answer with ids of their own: their own tests run them, and compare with their recordings.
WITH_SERVICES = {"agent", "chat", "download", "export"}
ALONE = sorted(FUNCTIONS.keys() - WITH_SERVICES)


def recording(name: str) -> list[Event]:
    """The events of the sample's recording."""
    with (FOLDER / f"{name}.ndjson").open(encoding="utf-8", newline="\n") as file:
        return list(RecordingReader(file))


def asked(samples: Streamify, name: str) -> Any:
    """The response of the sample's URL to the request that its event tells of."""
    told = event(name)
    query = told["rawQueryString"]
    headers = {key: value for key, value in told["headers"].items() if not key.startswith(("host", "x-"))}
    body = told.get("body")
    if body is not None:
        body = base64.b64decode(body) if told["isBase64Encoded"] else body.encode()
    method, path = told["requestContext"]["http"]["method"], told["rawPath"]
    return samples.request(name, method, f"{path}?{query}" if query else path, headers=headers, body=body)


def assert_as_recorded(result: Any, name: str) -> None:
    """Fail unless status, headers, cookies, chunks and end are the recorded ones."""
    result.assert_matches(FOLDER / f"{name}.ndjson")
    assert compare(recording(name), map(_without_the_servers, result.recording())).head == []


def _without_the_servers(event: Event) -> Event:
    """The event; if it is the head, without what the server adds for each request."""
    if event.code != HEAD:
        return event
    servers = ("date", "transfer-encoding", "connection", "x-amzn-")
    headers = {name: value for name, value in event.data["headers"].items() if not name.startswith(servers)}
    return event._replace(data={**event.data, "headers": headers})
