from datetime import datetime, timezone
from pathlib import Path

import pytest

from lambda_streamify_emulator.clients.trust import known_context, trusting
from lambda_streamify_emulator.web.certificate import make_certificate
from scripted_api import ScriptedApi, answers, reply


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    make_certificate([], tmp_path / "ca.pem", datetime.now(timezone.utc))
    return tmp_path / "ca.pem"


@pytest.mark.parametrize("host", ["127.0.0.1:4001", "localhost:1", "[::1]:4001"])
def test_the_ca_of_the_emulator_is_trusted_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, ca_file: Path, host: str
) -> None:
    with ScriptedApi(answers(reply(200, ca_file.read_bytes()))) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        context = known_context(f"https://{host}/")
        assert context is known_context(f"https://{host}/a")  # and asked for only once

    assert api.requests[0].startswith(b"GET /_streamify/ca.pem HTTP/1.1\r\n")
    assert context is not None
    assert any(ca["subject"] == ca["issuer"] and "lambda-streamify" in str(ca) for ca in context.get_ca_certs())


@pytest.mark.parametrize("url", ["https://example.com/", "http://127.0.0.1:4001/"])
def test_for_other_urls_the_emulator_is_not_asked(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:9")

    assert known_context(url) is None


@pytest.mark.parametrize("answer", [reply(404, b"{}"), reply(200, b"no certificate"), b"no HTTP\r\n\r\n"])
def test_without_a_certificate_nothing_else_is_trusted(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    with ScriptedApi(answers(answer)) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        assert known_context("https://127.0.0.1/") is None


def test_a_file_may_add_a_ca(ca_file: Path) -> None:
    assert any("lambda-streamify" in str(ca) for ca in trusting(ca_file).get_ca_certs())
