"""A small project as `sam build` leaves it, and the bytecode in it."""

import sys
from pathlib import Path

RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
BUILT = f"""\
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Metadata: {{SamResourceId: Hello}}
    Properties: {{CodeUri: Hello, Handler: app.handler, Runtime: {RUNTIME}, Layers: [!Ref Shared]}}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{SamResourceId: Shared}}
    Properties: {{ContentUri: Shared}}
"""
FILES = {
    "Hello/app.py": "import shared\nVALUE = 'source'\n",
    "Hello/package/__init__.py": "",
    "Hello/package/unused.py": "VALUE = 1\n",
    "Shared/python/shared.py": "",
    "Shared/python/unused_too.py": "",
}


def write_build(folder: Path, template: str = BUILT, **files: str) -> Path:
    """Write a template and the files of its packages into `folder`, and return the folder."""
    for name, text in {"template.yaml": template, **FILES, **files}.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return folder


def bytecode(folder: Path) -> dict[str, bytes]:
    """Return the content of each file of bytecode below `folder`, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.pyc"))}


def compiled_modules(folder: Path) -> list[str]:
    """Return the modules below `folder` that have bytecode, as paths without their ends."""
    return [f"{Path(name).parents[1] / Path(name).name.partition('.')[0]}" for name in bytecode(folder)]
