import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lambda_streamify_emulator.sandboxes.environment import Folders, sandbox_environment
from lambda_streamify_emulator.template.reader import Function

FUNCTION = Function("hello", "Hello", "app.handler", "python3.12", Path("/code"), 3, 256, {}, (), None)
FOLDERS = Folders(Path("/scratch/opt"), Path("/scratch/task"), Path("/scratch/runtime"))


def environment(**variables: str) -> dict[str, str]:
    function = replace(FUNCTION, environment=variables)
    return sandbox_environment(function, FOLDERS, Path("/env/bin/python"), "local/abc", "127.0.0.1:9001")


def test_it_is_lambdas_and_nothing_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")

    assert environment() == {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "hello",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/hello",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local/abc",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": "us-east-1",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "BOTO_CONFIG": "/dev/null",
        "HOME": "/home/sbx_user1051",
        "LAMBDA_RUNTIME_DIR": "/scratch/runtime",
        "LAMBDA_TASK_ROOT": "/scratch/task",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": "/scratch/runtime:/scratch/runtime/lib:/scratch/task:/scratch/task/lib:/scratch/opt/lib",
        "PATH": "/env/bin:/usr/local/bin:/usr/bin:/bin:/scratch/opt/bin",
        "PWD": "/scratch/task",
        "SHLVL": "0",
        "TZ": ":UTC",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "_HANDLER": "app.handler",
    }


def test_the_templates_variables_come_last() -> None:
    found = environment(MINE="x", TZ="Europe/Berlin")

    assert (found["MINE"], found["TZ"]) == ("x", "Europe/Berlin")


CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "mine",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_PROFILE": "production",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/mine",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/",
    "AWS_SHARED_CREDENTIALS_FILE": "/home/me/credentials",
}


def test_no_credential_of_the_developers_gets_in_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)

    assert not set(CREDENTIALS.values()) & set(environment().values())
    found = sandbox_environment(FUNCTION, FOLDERS, Path("/env/bin/python"), "s", "a", with_credentials=True)
    assert {name: found.get(name) for name in CREDENTIALS} == CREDENTIALS
    assert "AWS_CONFIG_FILE" not in found
    assert "AWS_EC2_METADATA_DISABLED" not in found


def test_the_endpoints_that_stand_for_aws_come_with_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"}
    for name, value in endpoints.items():
        monkeypatch.setenv(name, value)

    assert not set(endpoints) & set(environment())
    found = sandbox_environment(FUNCTION, FOLDERS, Path("/env/bin/python"), "s", "a", with_credentials=True)
    assert {name: found.get(name) for name in endpoints} == endpoints


def test_the_developers_home_is_not_the_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    program = "import os; print(os.path.expanduser('~'), os.path.exists(os.path.expanduser('~')))"

    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)

    assert done.stdout == "/home/sbx_user1051 False\n"
    given = sandbox_environment(FUNCTION, FOLDERS, Path("/env/bin/python"), "s", "a", with_credentials=True)
    assert "HOME" not in given


def test_the_developers_profiles_are_found_only_where_the_template_says(tmp_path: Path) -> None:
    profiles = tmp_path / "credentials"
    profiles.write_text("[default]\naws_access_key_id = mine\naws_secret_access_key = secret\n")
    program = "import botocore.session as b; found = b.Session().get_credentials(); print(found and found.access_key)"

    def found(**variables: str) -> str:
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=environment(**variables), capture_output=True, text=True, check=True).stdout

    assert found() == "None\n"
    assert found(AWS_SHARED_CREDENTIALS_FILE=str(profiles)) == "mine\n"


@pytest.mark.parametrize("name", ["AWS_LAMBDA_EXEC_WRAPPER", "STREAMIFY_NEXT_WRAPPER"])
@pytest.mark.parametrize(
    ("value", "mapped"),
    [
        ("/opt/streamify", "/scratch/opt/streamify"),
        ("/opt/a/opt/b", "/scratch/opt/a/opt/b"),
        ("/optional", "/optional"),
        ("relative/opt/", "relative/opt/"),
    ],
)
def test_a_wrapper_of_a_layer_is_found_where_the_layers_lie(name: str, value: str, mapped: str) -> None:
    assert environment(**{name: value})[name] == mapped


def test_other_variables_keep_their_opt() -> None:
    assert environment(CONFIG="/opt/config")["CONFIG"] == "/opt/config"


def test_node_finds_modules_in_the_folders_of_layers_and_of_the_code() -> None:
    found = sandbox_environment(replace(FUNCTION, runtime="nodejs22.x"), FOLDERS, Path("/tools/node"), "s", "a")

    opt, runtime, task = FOLDERS.opt, FOLDERS.runtime, FOLDERS.task
    modules = (opt / "nodejs/node22/node_modules", opt / "nodejs/node_modules", runtime / "node_modules")
    assert found["NODE_PATH"] == ":".join(map(str, (*modules, runtime, task)))
    assert found["AWS_EXECUTION_ENV"] == "AWS_Lambda_nodejs22.x"
    assert found["PATH"].startswith("/tools:")


def test_an_os_only_runtime_has_no_interpreter_and_no_execution_environment() -> None:
    found = sandbox_environment(replace(FUNCTION, runtime="provided.al2023"), FOLDERS, None, "s", "a")

    assert found["PATH"] == f"/usr/local/bin:/usr/bin:/bin:{FOLDERS.opt}/bin"
    assert "AWS_EXECUTION_ENV" not in found
    assert "NODE_PATH" not in found
