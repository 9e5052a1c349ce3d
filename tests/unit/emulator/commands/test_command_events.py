import io
from pathlib import Path

import pytest

from lambda_streamify_emulator.commands.events import read_event
from lambda_streamify_emulator.errors import EmulatorError


def test_an_event_is_read_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "event.json").write_bytes(b'{ "a": 1 }\n')
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b" 7")))

    assert (read_event(tmp_path / "event.json"), read_event(Path("-"))) == (b'{ "a": 1 }\n', b" 7")


@pytest.mark.parametrize("content", [b"{", b"", b"\xff", b"[" * 100_000])
def test_an_event_that_is_not_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "event.json"
    path.write_bytes(content)

    with pytest.raises(EmulatorError) as raised:
        read_event(path)

    assert str(raised.value).startswith(f"the event {path} is not JSON: ")
