"""The packages of agents and of their clients, in environments of their own, made once in the project's cache folder.

They exclude each other, and what the other tests pin. Other versions make other folders.
"""

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from kept_tools import kept_folder, making, run_or_skip

# strands-agents wants mcp below 2.2 and openai below 3. bedrock-agentcore wants a newer boto3 than the SAM CLI.
PYTHON_PACKAGES = {
    "agents": (
        "ag-ui-protocol==1.0.0",
        "fastmcp==4.2.3",
        "langchain==1.5.2",
        "langgraph==1.2.24",
        "mcp==2.3.0",
        "openai==3.57.0",
        "openai-agents==0.24.0",
        "pydantic-ai-slim[ag-ui,openai]==2.68.0",
    ),
    "strands": ("strands-agents==1.62.0",),
    "agentcore": ("bedrock-agentcore==1.25.0", "httpx==0.28.1"),
}
# `ai` and `openai` need Node.js 22; unpinned under Node.js 20, npm installs an older major version of `ai`.
NODE_PACKAGES = (
    "@ag-ui/client@1.0.0",
    "@modelcontextprotocol/sdk@1.32.2",
    "ai@7.0.173",
    "esbuild@0.28.2",  # makes one script of `ai` for a page
    "node@22.23.3",
    "openai@7.59.0",
)
SIGNING_PACKAGES = ("aws4fetch@1.0.20",)
OLDEST_PYTHON = (3, 11)  # of FastMCP and Pydantic AI


def agent_python(name: str) -> Path:
    """Return the interpreter of one of the environments. Skips the test where it cannot be made."""
    if sys.version_info < OLDEST_PYTHON:
        pytest.skip(f"the packages of agents need Python {'.'.join(map(str, OLDEST_PYTHON))}")
    packages = PYTHON_PACKAGES[name]
    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    uv = Path(sys.executable).with_name("uv")
    folder = kept_folder(f"agents-{name}-{python}-{_digest(packages)}")
    with making(folder) as missing:
        if missing:
            run_or_skip(uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder / "venv")
            # With bytecode: compiling these packages takes longer than the 10 seconds that a function's init has.
            run_or_skip(
                uv,
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                folder / "venv" / "bin" / "python",
                *packages,
            )
    return folder / "venv" / "bin" / "python"


def agent_packages(name: str) -> Path:
    """Return the folder that a function imports the packages of this environment from. Skips like `agent_python`."""
    (folder,) = agent_python(name).parents[1].glob("lib/python*/site-packages")
    return folder


def agent_node() -> Path:
    """Return the folder with the packages from npm; `node_modules/.bin/node` is Node.js 22. Skips without npm."""
    return _node_folder("agents-node", NODE_PACKAGES)


def signing_node() -> Path:
    """Return the folder with the package by which a page signs for IAM, in `node_modules`. Skips without npm."""
    return _node_folder("signing-node", SIGNING_PACKAGES)


def _node_folder(name: str, packages: tuple[str, ...]) -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip(f"{packages[0]} and its like need `node` and `npm`, and they are not on the PATH")
    folder = kept_folder(f"{name}-{_digest(packages)}")
    with making(folder) as missing:
        if missing:
            (folder / "package.json").write_text('{"private": true, "type": "module"}\n')
            run_or_skip(npm, "install", "--no-audit", "--no-fund", "--save-exact", "--prefix", folder, *packages)
    return folder


def _digest(packages: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(packages).encode()).hexdigest()[:12]
