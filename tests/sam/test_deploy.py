"""`sam deploy` as it is, to moto in place of AWS; then what moto received runs in the emulator, and streams.

In this order: a first deployment, one that changes the layer, and the end of the stack. Last the layer without a stack.
"""

import json
import re
import shutil
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from emulator_process import RUNTIME, EmulatorProcess, emulating
from gate import Gate
from layer_build import LAYER_MODES, modes, unpack
from moto_cloud import MotoCloud, moto_cloud
from processes import ROOT, clean_environment, run
from url_client import request, wire

STACK = "lambda-streamify"
CHUNKS = 3
# It comes with the second deployment. It says which layer it runs on, and waits for the test after each chunk.
GATED = """\
import lambda_streamify
from app import gated

def handler(event, context):
    def body():
        yield f"streamify {lambda_streamify.__version__}\\n"
        yield from gated(event["queryStringParameters"])
    return {"statusCode": 200, "body": body()}
"""
CHANGED = "0.1.0.changed"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoCloud]:
    with moto_cloud(tmp_path_factory.mktemp("moto") / "log") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def printed(build: Path, cloud: MotoCloud, sam_environment: dict[str, str]) -> str:
    """What `sam deploy` prints the first time."""
    return deploy(build, cloud, sam_environment)


@pytest.fixture(scope="module")
def deployed(cloud: MotoCloud, printed: str) -> MotoCloud:
    assert "Successfully created/updated stack" in printed
    return cloud


@pytest.fixture(scope="module")
def updated(
    deployed: MotoCloud, build: Path, sam_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> MotoCloud:
    """The cloud after a second deployment: the layer has changed, and there is one function more."""
    changed = shutil.copytree(build, tmp_path_factory.mktemp("changed") / "build")
    package = changed / "StreamifyLayer" / "python" / "lambda_streamify"
    shutil.rmtree(package / "__pycache__")
    module = package / "__init__.py"
    module.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{CHANGED}"', module.read_text()))
    shutil.copytree(ROOT / "tests" / "data" / "emulator" / "functions", changed / "gated")
    (changed / "gated" / "deployed.py").write_text(GATED)
    template = yaml_parse((changed / "template.yaml").read_text())
    del template["Metadata"]  # it names files by their way from the folder that was copied
    template["Resources"]["GatedFunction"] = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": "gated",
            "Handler": "deployed.handler",
            "CodeUri": "gated",
            "FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"},
        },
    }
    (changed / "template.yaml").write_text(json.dumps(template))
    deploy(changed, deployed, sam_environment)
    return deployed


def deploy(built: Path, cloud: MotoCloud, environment: dict[str, str]) -> str:
    return run(
        *("sam", "deploy", "--template-file", built / "template.yaml", "--config-file", ROOT / "samconfig.toml"),
        *("--no-confirm-changeset", "--parameter-overrides", f"PythonRuntime={RUNTIME}"),
        env=environment | cloud.variables | {"SAM_CLI_POLL_DELAY": "0.2"},  # seconds between two looks at the stack
    )


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return parsed


def function_names(template: dict[str, Any]) -> set[str]:
    resources = template["Resources"].values()
    return {each["Properties"]["FunctionName"] for each in resources if each["Type"] == "AWS::Serverless::Function"}


def test_every_function_is_deployed_on_the_layer_with_its_wrapper(
    deployed: MotoCloud, template: dict[str, Any]
) -> None:
    found = {each["FunctionName"]: each for each in deployed.client("lambda").list_functions()["Functions"]}
    layer = deployed.outputs(STACK)["StreamifyLayerArn"]

    assert set(found) == function_names(template)
    assert layer.endswith(":layer:streamify:1")
    for function in found.values():
        assert [each["Arn"] for each in function["Layers"]] == [layer]
        assert function["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/streamify"
        assert function["Runtime"] == RUNTIME


def test_every_url_streams_and_is_among_what_sam_prints(
    deployed: MotoCloud, printed: str, template: dict[str, Any]
) -> None:
    words = re.sub(r"\s", "", printed)  # its table wraps them

    for name in function_names(template):
        url = deployed.client("lambda").get_function_url_config(FunctionName=name)
        assert url["InvokeMode"] == "RESPONSE_STREAM"
        assert url["Cors"]["AllowOrigins"] == ["*"]
        assert url["FunctionUrl"] in deployed.outputs(STACK).values()
        assert url["FunctionUrl"] in words


def test_a_url_for_everybody_has_both_permissions_that_lambda_asks_for(deployed: MotoCloud) -> None:
    statements = [each for each in deployed.policy("hello") if each["Principal"] == "*"]

    assert [(each["Action"], each["Effect"]) for each in statements] == [
        ("lambda:InvokeFunctionUrl", "Allow"),
        ("lambda:InvokeFunction", "Allow"),
    ]
    assert statements[0]["FunctionUrlAuthType"] == "NONE"
    assert statements[1]["InvokedViaFunctionUrl"] is True


def test_the_layer_is_published_for_both_architectures_and_every_python(
    deployed: MotoCloud, template: dict[str, Any]
) -> None:
    layer = deployed.client("lambda").get_layer_version(LayerName="streamify", VersionNumber=1)

    properties = template["Resources"]["StreamifyLayer"]["Properties"]
    assert layer["CompatibleArchitectures"] == ["x86_64", "arm64"]
    assert layer["CompatibleRuntimes"] == [f"python3.{minor}" for minor in range(10, 15)]
    assert (layer["Description"], layer["LicenseInfo"]) == (properties["Description"], properties["LicenseInfo"])


def test_the_uploaded_layer_is_the_one_that_was_built(deployed: MotoCloud, tmp_path: Path) -> None:
    (archive,) = (content for name, content in deployed.archives(STACK).items() if name.startswith("StreamifyLayer"))
    (tmp_path / "layer.zip").write_bytes(archive)

    assert modes(unpack(tmp_path / "layer.zip", tmp_path / "opt")) == LAYER_MODES


def test_deploying_again_changes_nothing(deployed: MotoCloud, build: Path, sam_environment: dict[str, str]) -> None:
    assert "No changes to deploy" in deploy(build, deployed, sam_environment)


def test_a_changed_layer_is_a_new_version_that_every_function_gets(updated: MotoCloud) -> None:
    functions = updated.client("lambda").list_functions()["Functions"]
    layer = updated.outputs(STACK)["StreamifyLayerArn"]

    assert layer.endswith(":layer:streamify:2")
    assert {each["Arn"] for function in functions for each in function["Layers"]} == {layer}


def test_the_version_before_stays_for_functions_of_other_stacks(updated: MotoCloud) -> None:
    versions = updated.client("lambda").list_layer_versions(LayerName="streamify")["LayerVersions"]

    assert {version["Version"] for version in versions} == {1, 2}


@pytest.fixture(scope="module")
def received(updated: MotoCloud, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """An emulator that runs three functions as Lambda would have to: from the zips, with the deployed settings."""
    scratch = tmp_path_factory.mktemp("received")
    archives = updated.archives(STACK)
    (layer,) = (name for name in archives if name.startswith("StreamifyLayer"))
    resources: dict[str, Any] = {
        layer: {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": f"{layer}.zip"}}
    }
    for logical_id in ("HelloFunction", "FlaskFunction", "GatedFunction"):
        name = logical_id.removesuffix("Function").lower()
        settings = updated.client("lambda").get_function_configuration(FunctionName=name)
        url = updated.client("lambda").get_function_url_config(FunctionName=name)
        kept = ("FunctionName", "Handler", "Runtime", "Timeout", "MemorySize", "Environment")
        resources[logical_id] = {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                **{key: settings[key] for key in kept},
                "CodeUri": f"{logical_id}.zip",
                "Layers": [{"Ref": layer}],
                "FunctionUrlConfig": {key: url[key] for key in ("AuthType", "InvokeMode")},
            },
        }
    for name in resources:
        (scratch / f"{name}.zip").write_bytes(archives[name])
    parameters = {"PythonRuntime": {"Type": "String"}}
    path = scratch / "template.yaml"
    path.write_text(json.dumps({"Parameters": parameters, "Resources": resources}))
    with emulating(scratch, cache, template=path, measured=False) as emulator:
        yield emulator


def test_the_deployed_tutorial_answers_its_five_chunks(received: EmulatorProcess) -> None:
    reply = request(received.urls["hello"])

    assert (reply.status, reply.body) == (200, b"".join(b"Chunk %d\n" % number for number in range(5)))


def test_what_was_deployed_streams_on_the_deployed_layer(received: EmulatorProcess, gate: Gate) -> None:
    with wire(received.urls["gated"], "/", gate=gate.address, chunks=CHUNKS) as connection:
        connection.read_until(f"streamify {CHANGED}\n".encode())
        for number in range(CHUNKS):
            connection.read_until(b"chunk %d\n" % number)
            gate.open()
        assert b"".join(connection.read_on()).endswith(b"0\r\n\r\n")


def test_the_printed_curl_line_signs_requests(received: EmulatorProcess, updated: MotoCloud) -> None:
    url = f"{received.urls['flask']}north/visits.csv"
    environment = clean_environment(
        AWS_ACCESS_KEY_ID=received.credentials["access_key_id"],
        AWS_SECRET_ACCESS_KEY=received.credentials["secret_access_key"],
    )
    line = updated.outputs(STACK)["SignedCurl"]

    assert request(url).status == 403
    assert run("sh", "-c", f"{line} --silent --fail {url}", env=environment).startswith("day,visits\n")


def test_deleting_the_stack_leaves_the_layer_s_versions_and_nothing_else(
    updated: MotoCloud, sam_environment: dict[str, str]
) -> None:
    printed = run(
        *("sam", "delete", "--no-prompts", "--stack-name", STACK, "--region", "us-east-1"),
        env=sam_environment | updated.variables,
    )

    assert "Deleted successfully" in printed
    assert updated.client("lambda").list_functions()["Functions"] == []
    assert updated.client("iam").list_roles()["Roles"] == []
    (layer,) = updated.client("lambda").list_layers()["Layers"]
    assert layer["LatestMatchingVersion"]["Version"] == 2


def test_the_printed_command_publishes_the_layer_s_zip(cloud: MotoCloud, tmp_path: Path) -> None:
    printed = run("make", "publish-layer", f"DIST={tmp_path}")
    (command,) = (line for line in printed.splitlines() if line.startswith("aws "))
    (archive,) = tmp_path.glob("*.zip")

    published = json.loads(run("sh", "-c", command, env=clean_environment(**cloud.variables)))

    assert b64decode(published["Content"]["CodeSha256"]).hex() == archive_checksum(archive)
    assert published["LayerVersionArn"].rpartition(":")[0].endswith(":layer:streamify")
    assert published["CompatibleArchitectures"] == ["x86_64", "arm64"]


def archive_checksum(archive: Path) -> str:
    return archive.with_name(f"{archive.name}.sha256").read_text().split()[0]
