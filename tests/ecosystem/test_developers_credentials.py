"""Which credentials of the developer's machine botocore finds in a function."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lambda_streamify_emulator.sandboxes.environment import Folders, sandbox_environment
from lambda_streamify_emulator.template.reader import Function
from scripted_api import ScriptedApi, reply

FUNCTION = Function("hello", "Hello", "app.handler", "python3.12", Path("/code"), 3, 256, {}, (), None)
FOLDERS = Folders(Path("/scratch/opt"), Path("/scratch/task"), Path("/scratch/runtime"))


def environment(*, with_credentials: bool) -> dict[str, str]:
    python = Path("/env/bin/python")
    return sandbox_environment(FUNCTION, FOLDERS, python, "s", "a", with_credentials=with_credentials)


@pytest.fixture(autouse=True)
def _nothing_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


FOUND = "import botocore.session as b; found = b.Session().get_credentials(); print(found and found.access_key)"


def found_by(environment: dict[str, str]) -> str:
    """The access key that botocore finds in a process with this environment."""
    command = [sys.executable, "-c", FOUND]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


PROFILE = "[{0}]\naws_access_key_id = mine\naws_secret_access_key = secret\n"
PROCESS = (
    '[default]\ncredential_process = echo \'{"Version": 1, "AccessKeyId": "mine", "SecretAccessKey": "secret"}\'\n'
)


def in_variables(_: Path) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "secret"}


def in_a_profile(folder: Path) -> dict[str, str]:
    (folder / "credentials").write_text(PROFILE.format("production"))
    return {"AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"), "AWS_PROFILE": "production"}


def in_a_process(folder: Path) -> dict[str, str]:
    (folder / "config").write_text(PROCESS)
    return {"AWS_CONFIG_FILE": str(folder / "config")}


@pytest.mark.parametrize("place", [in_variables, in_a_profile, in_a_process])
def test_sdks_find_the_developers_credentials_only_if_they_are_asked_for(
    place: Callable[[Path], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in place(tmp_path).items():
        monkeypatch.setenv(name, value)

    assert found_by(environment(with_credentials=False)) == "None"
    assert found_by(environment(with_credentials=True)) == "mine"


def test_sdks_ask_the_developers_container_for_credentials_only_if_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = {"AccessKeyId": "mine", "SecretAccessKey": "s", "Token": "t", "Expiration": "2100-01-01T00:00:00Z"}
    with ScriptedApi(lambda peer: peer.answer(reply(200, json.dumps(keys).encode()))) as api:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://{api.address}/keys")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token")
        assert found_by(environment(with_credentials=False)) == "None"
        assert api.requests == []
        assert found_by(environment(with_credentials=True)) == "mine"
