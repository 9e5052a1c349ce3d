"""The smallest wheel that pip installs."""

from pathlib import Path
from zipfile import ZipFile


def make_wheel(folder: Path, name: str, **files: str) -> Path:
    """Return a wheel of the distribution `name` with the modules `files`, by name without .py."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with ZipFile(wheel, "w") as archive:
        for module, text in files.items():
            archive.writestr(f"{module}.py", text)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel
