"""The proxies that deploy/ configures, in front of a function URL on this machine.

Each runs its file as it is, with other ports, and other files of certificates. A test may change more of its texts, to
see what they are for.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pwd import getpwnam
from tempfile import TemporaryDirectory

import trustme

from processes import ROOT, clean_environment
from proxy_programs import program
from server_process import free_port, listening
from waiting import wait_until

FUNCTION_URL = "abcdefghij.lambda-url.eu-central-1.on.aws"
PUBLIC_NAME = "stream.example.com"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
CERTIFICATE = "/etc/ssl/certs/stream.example.com.pem"
KEY = "/etc/ssl/private/stream.example.com.key"


@dataclass(frozen=True)
class Upstream:
    """A function URL on this machine: its port, and the file of the authority that has issued its certificate."""

    port: int
    ca_file: Path


@dataclass(frozen=True)
class Setup:
    """What one proxy is given: a folder of its own with a certificate and its key, and a free port."""

    folder: Path
    port: int
    upstream: Upstream
    changes: Mapping[str, str]

    @property
    def certificate(self) -> Path:
        """The file of the proxy's certificate."""
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        """The file of the certificate's key."""
        return self.folder / "key.pem"

    @property
    def files(self) -> dict[str, str]:
        """The paths in the configurations, each with the path of this test's file."""
        return {AUTHORITIES: f"{self.upstream.ca_file}", CERTIFICATE: f"{self.certificate}", KEY: f"{self.key}"}

    def write(self, name: str, own: Mapping[str, str]) -> Path:
        """Write the project's configuration with these texts changed, each of which has to be in it."""
        text = (ROOT / "deploy" / name).read_text()
        for old, new in {**self.changes, **own}.items():
            assert old in text, f"deploy/{name} has no {old!r}"
            text = text.replace(old, new)
        path = self.folder / Path(name).name
        path.write_text(text)
        return path


def nginx(setup: Setup) -> list[str]:
    """Include the file in an `http` block, as Debian's nginx.conf does; name the function URL's address there."""
    own = {"listen 443": f"listen 127.0.0.1:{setup.port}", "/var/log/nginx": f"{setup.folder}"}
    included = setup.write("nginx/streaming.conf", {**setup.files, **own})
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    main = setup.folder / "nginx.conf"
    main.write_text(
        f"daemon off;\npid pid;\n{_as_root('user root;')}\nevents {{}}\nhttp {{\n"
        + "".join(f"{kind}_temp_path {kind};\n" for kind in kinds)
        + f"upstream {FUNCTION_URL} {{ server 127.0.0.1:{setup.upstream.port}; }}\ninclude {included};\n}}\n"
    )
    return [program("nginx"), "-p", f"{setup.folder}", "-e", "error.log", "-c", f"{main}"]


def apache(setup: Setup) -> list[str]:
    """Include the file in a server with the modules that its first lines name."""
    own = {
        "*:443": f"127.0.0.1:{setup.port}",
        "/var/log/apache2": f"{setup.folder}",
        FUNCTION_URL: f"localhost:{setup.upstream.port}",
    }
    included = setup.write("apache/streaming.conf", {**setup.files, **own})
    modules = next(filter(Path.is_dir, map(Path, _APACHE_FOLDERS)))
    user = f"User nobody\nGroup #{getpwnam('nobody').pw_gid}"
    main = setup.folder / "httpd.conf"
    main.write_text(
        "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in _APACHE_MODULES)
        + f"ServerName localhost\nServerRoot {setup.folder}\nDefaultRuntimeDir {setup.folder}\nPidFile pid\n"
        f"ErrorLog error.log\nListen 127.0.0.1:{setup.port}\n{_as_root(user)}\nInclude {included}\n"
    )
    return [program("apache"), "-f", f"{main}", "-DFOREGROUND"]


_APACHE_FOLDERS = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/libexec/apache2")
_APACHE_MODULES = ("mpm_event", "authz_core", "ssl", "socache_shmcb", "http2", "proxy", "proxy_http")


def caddy(setup: Setup) -> list[str]:
    """Run the file with a certificate of its own, which Caddy would otherwise fetch."""
    own = {
        f"{PUBLIC_NAME} {{": f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{PUBLIC_NAME}:{setup.port} {{\n"
        f"\tbind 127.0.0.1\n\ttls {setup.certificate} {setup.key}",
        f"https://{FUNCTION_URL}": f"https://localhost:{setup.upstream.port}",
    }
    return [program("caddy"), "run", "--adapter", "caddyfile", "--config", f"{setup.write('caddy/Caddyfile', own)}"]


def haproxy(setup: Setup) -> list[str]:
    """Run the file. HAProxy reads a certificate and its key from one file."""
    both = setup.folder / "both.pem"
    both.write_text(setup.certificate.read_text() + setup.key.read_text())
    own = {
        "bind :443": f"bind 127.0.0.1:{setup.port}",
        "/etc/ssl/private/stream.example.com.pem": f"{both}",
        f"{FUNCTION_URL}:443": f"127.0.0.1:{setup.upstream.port}",
        AUTHORITIES: f"{setup.upstream.ca_file}",
    }
    return [program("haproxy"), "-f", f"{setup.write('haproxy/haproxy.cfg', own)}"]


def envoy(setup: Setup) -> list[str]:
    """Run the file, and have it write its log without the usual ten seconds of delay."""
    own = {
        "address: 0.0.0.0, port_value: 443": f"address: 127.0.0.1, port_value: {setup.port}",
        f"address: {FUNCTION_URL}, port_value: 443": f"address: 127.0.0.1, port_value: {setup.upstream.port}",
    }
    config = setup.write("envoy/envoy.yaml", {**setup.files, **own})
    options = ("--use-dynamic-base-id", "--concurrency", "1", "--file-flush-interval-msec", "50")
    return [program("envoy"), "--config-path", f"{config}", *options]


KINDS: dict[str, Callable[[Setup], list[str]]] = {
    "nginx": nginx,
    "apache": apache,
    "caddy": caddy,
    "haproxy": haproxy,
    "envoy": envoy,
}


def _as_root(directive: str) -> str:
    """Return the directive only for a server that root starts: it names the user of the processes that serve."""
    return directive if os.geteuid() == 0 else ""


@dataclass(frozen=True)
class Proxy:
    """A proxy that runs: its URL, the file of the authority that has issued its certificate, and its folder."""

    kind: str
    url: str
    ca_file: Path
    folder: Path

    def log(self) -> str:
        """Return what the proxy has written by now, to its files and its outputs."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def wait_for_log(self, expected: str) -> None:
        """Return when the log holds this text."""
        wait_until(lambda: expected in self.log(), f"{expected!r} in the log of {self.kind}")


@contextmanager
def proxying(kind: str, upstream: Upstream, changes: Mapping[str, str] | None = None) -> Iterator[Proxy]:
    """Run the proxy for the length of the block, with these texts of its file changed. Skips the test without it."""
    with TemporaryDirectory(prefix="streamify-proxy-") as name:
        folder = Path(name)
        setup = Setup(folder, free_port(), upstream, changes or {})
        authority = trustme.CA()
        issued = authority.issue_cert(PUBLIC_NAME, "127.0.0.1")
        authority.cert_pem.write_to_path(folder / "ca.pem")
        issued.cert_chain_pems[0].write_to_path(setup.certificate)
        issued.private_key_pem.write_to_path(setup.key)
        proxy = Proxy(kind, f"https://{PUBLIC_NAME}:{setup.port}", folder / "ca.pem", folder)
        # Caddy, which is written in Go, reads from SSL_CERT_FILE which authorities the system trusts.
        variables = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), f"{folder}")
        environment = clean_environment(**variables, SSL_CERT_FILE=f"{upstream.ca_file}")
        with listening(KINDS[kind](setup), setup.port, folder, environment, folder / "output.log"):
            yield proxy
