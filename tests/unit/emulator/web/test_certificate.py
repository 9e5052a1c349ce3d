import socket
import ssl
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import TlsError
from lambda_streamify_emulator.web.certificate import LIFETIME, make_certificate

NOW = datetime.now(timezone.utc)


def peer_certificate(server: ssl.SSLContext, ca_file: Path, name: str) -> dict[str, object]:
    """Return the certificate that a client accepts for this name."""
    client = ssl.create_default_context(cafile=str(ca_file))
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def answer() -> None:
            try:
                server.wrap_socket(theirs, server_side=True).close()
            except OSError:
                theirs.close()

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            with client.wrap_socket(ours, server_hostname=name) as connection:
                return dict(connection.getpeercert() or {})
        finally:
            ours.close()
            thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "app.example.com", "192.0.2.7"])
def test_who_trusts_the_ca_accepts_the_certificate_for_each_name(tmp_path: Path, name: str) -> None:
    context = make_certificate(["app.example.com", "192.0.2.7"], tmp_path / "ca.pem", NOW)

    certificate = peer_certificate(context, tmp_path / "ca.pem", name)

    end = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    assert abs(end - (NOW + LIFETIME).timestamp()) < 2
    assert timedelta(days=825) > LIFETIME


def test_for_another_name_or_with_another_ca_it_is_refused(tmp_path: Path) -> None:
    context = make_certificate([], tmp_path / "ca.pem", NOW)
    make_certificate([], tmp_path / "other.pem", NOW)

    with pytest.raises(ssl.SSLCertVerificationError):
        peer_certificate(context, tmp_path / "ca.pem", "app.example.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        peer_certificate(context, tmp_path / "other.pem", "localhost")


def test_the_file_holds_no_key(tmp_path: Path) -> None:
    make_certificate([], tmp_path / "ca.pem", NOW)

    text = (tmp_path / "ca.pem").read_text()
    assert text.count("-----BEGIN ") == 1
    assert "-----BEGIN CERTIFICATE-----" in text


def test_without_the_library_the_error_is_the_pip_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)

    with pytest.raises(TlsError, match=r"^--tls needs trustme: pip install 'lambda-streamify\[tls\]'$"):
        make_certificate([], tmp_path / "ca.pem", NOW)


def test_a_name_that_no_certificate_can_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(TlsError, match=r"^--tls: no certificate can be made for a_b: "):
        make_certificate(["a_b"], tmp_path / "ca.pem", NOW)
