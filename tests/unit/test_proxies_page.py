"""docs/guides/proxies.md speaks of the files in deploy/."""

import re

import pytest

from documents import blocks
from processes import ROOT

PAGE = ROOT / "docs" / "guides" / "proxies.md"
FILES = {
    "nginx": "nginx/streaming.conf",
    "apache": "apache/streaming.conf",
    "haproxy": "haproxy/haproxy.cfg",
    "yaml": "envoy/envoy.yaml",
}


@pytest.mark.parametrize("language", FILES)
def test_the_lines_that_matter_stand_in_the_file(language: str) -> None:
    lines = (ROOT / "deploy" / FILES[language]).read_text().splitlines()
    (block,) = blocks(PAGE, language)

    for quoted in block.splitlines():
        assert any(line.strip().startswith(quoted.strip()) for line in lines), quoted


def test_each_configuration_is_named_on_the_page_and_names_the_page() -> None:
    linked = set(re.findall(r"\]\(\.\./\.\./deploy/([^)]+)\)", PAGE.read_text()))
    found = {path.relative_to(ROOT / "deploy") for path in (ROOT / "deploy").glob("*/*") if path.is_file()}

    assert linked == {str(path) for path in found if path.parts[0] in ("nginx", "apache", "caddy", "haproxy", "envoy")}
    assert all("docs/guides/proxies.md" in (ROOT / "deploy" / name).read_text() for name in linked)
    assert len(linked) == 5
