"""Records one stream on both sides of nginx: with deploy/nginx/streaming.conf, and with nginx's defaults.

    .venv/bin/python docs/_site/recordings/record.py

It runs this folder's function in the emulator, and nginx in front of it. The emulator records what the function writes,
`streamify invoke` what the reader gets. `make pictures` draws the recordings, which are committed.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "tests" / "support"))

from emulator_process import emulating  # noqa: E402 - it lies in the folder that the line before names
from processes import clean_environment, run  # noqa: E402
from proxied_url import FunctionUrl  # noqa: E402
from web_proxies import FUNCTION_URL, proxying  # noqa: E402

SETTINGS: dict[str, Mapping[str, str]] = {
    "streamed": {},
    "held": {"proxy_buffering off;": "", "proxy_http_version 1.1;": ""},  # what nginx does by default
}


def record(name: str, changes: Mapping[str, str], folder: Path) -> None:
    """Send one request through nginx with these texts of its file changed; keep both recordings."""
    options = ("--tls", "--public-host", FUNCTION_URL, "--timeout", "30", "--record", str(folder / "recordings"))
    with emulating(
        folder, folder / "cache", *options, template=HERE / "app.py", parameters=(), measured=False
    ) as emulator:
        function = FunctionUrl(emulator, folder)
        for attempt in ("first", "second"):  # the first one waits until the function's process has started
            with proxying("nginx", function.upstream, changes) as proxy:
                url = f"https://127.0.0.1:{urlsplit(proxy.url).port}/"
                environment = clean_environment(SSL_CERT_FILE=str(proxy.ca_file))
                run("streamify", "invoke", url, "--record", folder / f"{attempt}.ndjson", env=environment)
    written = max((folder / "recordings").glob("*.runtime-api.ndjson"), key=lambda file: file.stat().st_mtime_ns)
    copyfile(written, HERE / f"{name}.function.ndjson")
    copyfile(folder / "second.ndjson", HERE / f"{name}.reader.ndjson")


if __name__ == "__main__":
    for name, changes in SETTINGS.items():
        with TemporaryDirectory() as folder:
            record(name, changes, Path(folder))
