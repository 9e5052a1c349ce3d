import json
from pathlib import Path

import pytest

from lambda_streamify_emulator.analysis.doctor import show
from lambda_streamify_emulator.commands.examined import examined_response
from lambda_streamify_emulator.errors import EmulatorError, EndpointError
from lambda_streamify_emulator.lambda_api.eventstream import invoke_complete, payload_chunk
from scripted_api import Script, ScriptedApi, answers, reply

WHOLE = b"HTTP/1.1 200 -\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole"
NO_URL = reply(404, b'{"Message": "absent"}', "x-amzn-errortype: ResourceNotFoundException")


def test_a_url_is_asked_once_as_a_browser_does(capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedApi(answers(WHOLE)) as api:
        response = examined_response(f"http://{api.address}/a?b=c", None)
        assert response is not None
        assert not show(response, as_json=True)
    (request,) = api.requests

    assert request.startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"\r\naccept-encoding: gzip, deflate, br\r\n" in request.lower()
    fields = json.loads(capsys.readouterr().out)
    assert fields["verdict"] == "piece"
    assert any(text.startswith("It has a Content-Length") for text in fields["advice"])


def test_a_function_is_asked_at_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi(answers(WHOLE)) as url:
        fields = {"FunctionUrl": f"http://{url.address}/", "FunctionArn": "a", "AuthType": "NONE", "CreationTime": "1"}
        with ScriptedApi(answers(reply(200, json.dumps(fields).encode()))) as api:
            monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
            response = examined_response("hello", None)
            assert response is not None
            assert [event.code for event in response] == ["h", "o", "x"]

    assert url.requests[0].startswith(b"GET / HTTP/1.1\r\n")


def test_a_function_without_a_url_is_invoked(monkeypatch: pytest.MonkeyPatch) -> None:
    events = payload_chunk(b"one") + invoke_complete(None)
    streamed: Script = lambda peer: peer.answer(reply(200, events))  # noqa: E731
    described = reply(200, b'{"FunctionName": "hello"}')
    with ScriptedApi(answers(NO_URL, described), streamed) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        response = examined_response("hello", None)
        assert response is not None
        assert [event.code for event in response] == ["o", "x"]


def test_an_existing_file_is_a_recording(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    assert examined_response(str(tmp_path / "a"), None) is None
    assert examined_response(str(tmp_path), None) is None


def test_a_function_may_have_the_name_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hello").mkdir()
    described = reply(200, b'{"FunctionName": "hello"}')
    with ScriptedApi(answers(NO_URL, described)) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")

        assert examined_response("hello", None) is not None


def test_a_url_that_does_not_answer_is_an_error() -> None:
    response = examined_response("http://127.0.0.1:9/", None)

    assert response is not None
    with pytest.raises(EndpointError, match="does not answer"):
        list(response)


def test_a_target_that_is_nothing_of_all_is_an_error() -> None:
    with pytest.raises(EmulatorError) as raised:
        examined_response("localhost:4001", None)

    assert str(raised.value) == (
        "localhost:4001: there is no such recording, and as a function: "
        "localhost:4001 is not a function's name; a URL begins with http:// or https://"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "it cannot be read: No such file or directory"), ("a", "there is no certificate in PEM format in it")],
)
def test_a_file_without_certificates_is_an_error(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(EmulatorError) as raised:
        examined_response("https://127.0.0.1:9/", path)

    assert str(raised.value) == f"--cacert {path}: {message}"
