"""A server that speaks TLS with a certificate that no authority of the system has signed."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from waiting import TIMEOUT_S


@contextmanager
def tls_server(answer: bytes) -> Iterator[tuple[str, ssl.SSLContext]]:
    """Give the server's address, and a context that trusts it. It sends `answer` and hangs up without a farewell."""
    with TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        certificate = _certificate(Path(folder))
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(certificate)
        is_over = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, own, answer, is_over))
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}/", ssl.create_default_context(cafile=certificate)
        finally:
            is_over.set()
            with socket.create_connection(listener.getsockname(), TIMEOUT_S):
                thread.join(TIMEOUT_S)


def _serve(listener: socket.socket, own: ssl.SSLContext, answer: bytes, is_over: threading.Event) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            if is_over.is_set():
                return
            connection.settimeout(TIMEOUT_S)
            with suppress(OSError):  # a client that does not trust the certificate leaves
                secured = own.wrap_socket(connection, server_side=True)
                with secured:
                    secured.recv(65536)
                    secured.sendall(answer)


def _certificate(folder: Path) -> Path:
    """Return the file of a new certificate for 127.0.0.1, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    unencrypted = serialization.NoEncryption()
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted)
    )
    return path
