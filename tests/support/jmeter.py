"""Apache JMeter: the one at JMETER_HOME, or one that is put together once from Maven Central's artifacts."""

import os
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from kept_tools import kept_folder, making, run_or_skip

VERSION = "5.6.3"
PROGRAM = "ApacheJMeter"
PLUGINS = tuple(f"{PROGRAM}_{part}" for part in ("components", "config", "functions", "http"))
DEPENDENCY = """\
    <dependency><groupId>org.apache.jmeter</groupId><artifactId>{}</artifactId><version>{}</version></dependency>
"""
PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>jmeter</artifactId><version>1</version>
  <dependencies>
{}  </dependencies>
</project>
"""


def jmeter() -> list[str]:
    """Return the command that runs JMeter without a window. Skips the test where it cannot be had."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("JMeter needs Java, and there is no `java` on the PATH")
    given = os.environ.get("JMETER_HOME")
    home = Path(given) if given else _made()
    return [java, "-Djava.awt.headless=true", "-jar", str(home / "bin" / f"{PROGRAM}.jar"), "-n"]


def _made() -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        pytest.skip("JMETER_HOME is not set, and there is no `mvn` on the PATH to fetch JMeter")
    folder = kept_folder(f"jmeter-{VERSION}")
    home = folder / "home"
    with making(folder) as missing:
        if missing:
            project, jars = folder / "pom.xml", folder / "jars"
            parts = "".join(DEPENDENCY.format(part, VERSION) for part in (PROGRAM, *PLUGINS))
            project.write_text(PROJECT.format(parts))
            run_or_skip(maven, "-q", "-B", "-f", project, "dependency:copy-dependencies", f"-DoutputDirectory={jars}")
            _put_together(jars, home)
    return home


def _put_together(jars: Path, home: Path) -> None:
    """Lay the artifacts out as JMeter's own archive has them."""
    plugins = home / "lib" / "ext"
    plugins.mkdir(parents=True, exist_ok=True)
    (home / "lib" / "junit").mkdir(exist_ok=True)
    with ZipFile(jars / f"{PROGRAM}_config-{VERSION}.jar") as configuration:
        configuration.extractall(home, [name for name in configuration.namelist() if name.startswith("bin/")])
    for jar in jars.glob("*.jar"):
        if jar.name == f"{PROGRAM}-{VERSION}.jar":
            jar.rename(home / "bin" / f"{PROGRAM}.jar")
        else:
            jar.rename((plugins if jar.name.startswith(f"{PROGRAM}_") else home / "lib") / jar.name)
