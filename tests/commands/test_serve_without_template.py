"""`streamify serve` without a template of SAM: handlers, serverless.yml, and what Terraform shows."""

import json
import sys
from pathlib import Path
from urllib.request import urlopen
from zipfile import ZipFile

import pytest

from emulator_process import RUNTIME, emulating, streamify
from terraform_output import function, resource, state
from waiting import TIMEOUT_S

APP = """
import os
import tool
def lambda_handler(event, context):
    def body():
        yield f"{tool.NAME} {os.environ['MODEL']} {context.memory_limit_in_mb}|"
        yield "second"
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body()}
"""
COMMAND = Path(sys.executable).with_name("streamify")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text(APP)
    (tmp_path / "src" / "tool.py").write_text("NAME = 'tool'\n")
    return tmp_path


def invoked(name: str, *arguments: str | Path, folder: Path, cache: Path, stdin: str = "") -> tuple[list[str], str]:
    """Serve, invoke one function by its name; return the chunks of its response, and what the emulator has said."""
    command = f"{COMMAND} invoke {name} --json"
    done = streamify("serve", *arguments, "--port", "0", "--exec", command, cwd=folder, cache=cache, stdin=stdin)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return [event[2] for event in events if event[1] == "o"], done.stderr


def test_a_handler_streams_with_the_settings_of_the_command_line(folder: Path, cache: Path) -> None:
    (folder / ".env").write_text("MODEL=file\nOTHER=x\n")
    options = ("--env-file", ".env", "--env", "MODEL=own", "--memory", "256", "--timeout", "30", "--runtime", RUNTIME)

    chunks, said = invoked("app", "src/app.lambda_handler", *options, folder=folder, cache=cache)

    assert chunks == ["tool own 256|", "second"]
    assert "timeout" not in said


def test_a_file_s_handlers_and_another_one_have_a_url_each(folder: Path, cache: Path) -> None:
    (folder / "other.py").write_text("def handler(event, context):\n    yield 'other'\n")

    chunks, said = invoked("other", "src/app.py", "other.py", folder=folder, cache=cache)

    assert chunks == ["other"]
    assert "app, other: AWS's default timeout of 3 s applies" in said


def test_an_edit_of_a_handler_counts_at_the_next_request(folder: Path, cache: Path) -> None:
    handler = folder / "src" / "app.lambda_handler"
    options = ("--env", "MODEL=a", "--timeout", "30")
    with emulating(folder, cache, *options, template=handler, measured=False, parameters=()) as emulator:
        assert get(emulator.urls["app"]) == b"tool a 128|second"
        (folder / "src" / "tool.py").write_text("NAME = 'edited'\n")
        assert get(emulator.urls["app"]) == b"edited a 128|second"


def get(url: str) -> bytes:
    with urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - the URL of the emulator
        return bytes(response.read())


def test_a_service_of_the_serverless_framework_streams(folder: Path, cache: Path) -> None:
    (folder / "serverless.yml").write_text(f"""
service: stories
provider:
  name: aws
  runtime: {RUNTIME}
  environment: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify, MODEL: "${{self:service}}"}}
  layers: [arn:aws:lambda:us-east-1:1:layer:streamify:1]
package: {{artifact: app.zip}}
functions:
  tell: {{handler: app.lambda_handler, timeout: 30, url: {{invoke: RESPONSE_STREAM}}}}
""")
    packed(folder)

    chunks, _ = invoked("stories-dev-tell", "serverless.yml", folder=folder, cache=cache)

    assert chunks == ["tool stories 1024|", "second"]


def test_what_terraform_shows_streams_from_standard_input(folder: Path, cache: Path) -> None:
    packed(folder)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify", "MODEL": "large"}
    tell = function(
        "tell",
        handler="app.lambda_handler",
        runtime=RUNTIME,
        timeout=30,
        environment=[{"variables": variables}],
        layers=["arn:aws:lambda:us-east-1:1:layer:streamify:1"],
    )
    url = resource("aws_lambda_function_url.tell", {"function_name": "tell", "invoke_mode": "RESPONSE_STREAM"})

    chunks, said = invoked("tell", "-", folder=folder, cache=cache, stdin=json.dumps(state(tell, url)))

    assert chunks == ["tool large 128|", "second"]
    assert "try: curl -N http" in said


def packed(folder: Path) -> None:
    with ZipFile(folder / "app.zip", "w") as archive:
        for name in ("app.py", "tool.py"):
            archive.write(folder / "src" / name, name)
