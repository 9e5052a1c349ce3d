"""docs/guides/auth.md: its clients call the emulator, and its handler checks a token of a Cognito that moto serves."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from socket import socket
from typing import Any

import jwt
import moto.cognitoidp
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from samtranslator.yaml_helper import yaml_parse

from agent_packages import signing_node
from checked_template import GOOD, check
from documents import blocks
from emulator_process import EmulatorProcess, emulating
from gated_service import GatedService, QuietHandler, running
from processes import ROOT, clean_environment
from sample_services import client, moto_serving
from signing_distribution import distributing
from source_server import Answer, serving
from waiting import TIMEOUT_S

PAGE = ROOT / "docs" / "guides" / "auth.md"
AUTH = ROOT / "functions" / "agent" / "auth.py"
CHECKED, SIGNED = "http://127.0.0.1:4001/", "http://127.0.0.1:4003/"
COGNITO, CLOUDFRONT = "https://cognito-identity.us-east-1.amazonaws.com/", "https://d111111abcdef8.cloudfront.net/"
STREAM, BOTOCORE, HANDLER = blocks(PAGE, "py")
IDENTITY_POOL, POST = blocks(PAGE, "js")
CURL, TOKEN_CURL, DEPLOY, POST_CURL = (re.sub(r"(?m)^\$ ", "", block) for block in blocks(PAGE, "console"))
POLICY, SETTINGS, REST_API = blocks(PAGE, "yaml")

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no `node` on the PATH")
ECHO = """\
from lambda_streamify import Request


def lambda_handler(event, context):
    caller = event["requestContext"]["authorizer"]["iam"]["userArn"].partition(":")[0]
    yield f"{caller} sent {Request(event).text}.\\n"
"""
JWKS = Path(moto.cognitoidp.__path__[0]) / "resources" / "jwks-public.json.gz"


@pytest.fixture(scope="module")
def cognito() -> Iterator[dict[str, str]]:
    """A user pool with a user and an app client, and where the CLI finds it."""
    with moto_serving() as address:
        idp = client("cognito-idp", address)
        pool = idp.create_user_pool(PoolName="users")["UserPool"]["Id"]
        flows = ["ALLOW_USER_PASSWORD_AUTH"]
        app = idp.create_user_pool_client(UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows)
        id_, user = app["UserPoolClient"]["ClientId"], {"USERNAME": "ada", "PASSWORD": "Passw0rd!"}
        idp.admin_create_user(UserPoolId=pool, Username=user["USERNAME"])
        idp.admin_set_user_password(
            UserPoolId=pool, Username=user["USERNAME"], Password=user["PASSWORD"], Permanent=True
        )
        yield {
            "CLIENT_ID": id_,
            "ISSUER": f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "us-east-1",
            **user,
        }


@pytest.fixture(scope="module")
def emulator(
    tmp_path_factory: pytest.TempPathFactory, cache: Path, cognito: Mapping[str, str]
) -> Iterator[EmulatorProcess]:
    """The functions `checked`, which has the page's handler, and `signed`, which says who has sent what."""
    folder = tmp_path_factory.mktemp("auth")
    files = {"checked/app.py": HANDLER, "checked/auth.py": AUTH.read_text(), "signed/app.py": ECHO}
    files["checked/requirements.txt"] = AUTH.with_name("requirements.txt").read_text()
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with serving({"/jwks.json": Answer("application/json", [gzip.decompress(JWKS.read_bytes())])}) as keys:
        token = {"JWT_ISSUER": cognito["ISSUER"], "JWT_AUDIENCE": cognito["CLIENT_ID"]}
        token["JWT_JWKS_URL"] = f"{keys.address}/jwks.json"
        functions = {
            "Checked": function("checked", "NONE", **token),
            "Signed": function("signed", "AWS_IAM"),
        }
        layer = {
            "Type": "AWS::Serverless::LayerVersion",
            "Metadata": {"BuildMethod": "makefile"},
            "Properties": {"ContentUri": str(ROOT / "layers" / "streamify")},
        }
        template = {
            "Parameters": {"PythonRuntime": {"Type": "String"}},
            "Resources": {"StreamifyLayer": layer, **functions},
        }
        (folder / "template.yaml").write_text(json.dumps(template))
        with emulating(folder, cache, template=folder / "template.yaml") as emulator:
            yield emulator


def function(name: str, auth_type: str, **variables: str) -> dict[str, Any]:
    properties = {
        "FunctionName": name,
        "CodeUri": name,
        "Handler": "app.lambda_handler",
        "Runtime": {"Ref": "PythonRuntime"},
        "Timeout": 60,
        "Layers": [{"Ref": "StreamifyLayer"}],
        "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify", **variables}},
        "FunctionUrlConfig": {"AuthType": auth_type, "InvokeMode": "RESPONSE_STREAM"},
    }
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def shown(command: list[str], variables: Mapping[str, str] | None = None, cwd: Path = ROOT) -> str:
    """Return what a client of the page prints; it has to end well."""
    ran = subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment(**(variables or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def at(code: str, **addresses: str) -> str:
    """Return the code with addresses of this machine in place of those that it has."""
    for name, address in addresses.items():
        written = globals()[name.upper()]
        assert written in code
        code = code.replace(written, address)
    return code


# --- IAM -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ([sys.executable, "-c", STREAM], "b'arn sent .\\n'\n"),
        ([sys.executable, "-c", BOTOCORE], """b'arn sent {"prompt": "Hello"}.\\n'\n"""),
        (["sh", "-c", CURL], "arn sent .\n"),
    ],
    ids=["client.stream", "botocore", "curl"],
)
def test_a_client_signs_its_request(command: list[str], expected: str, emulator: EmulatorProcess) -> None:
    given = emulator.credentials
    credentials = {
        "AWS_ACCESS_KEY_ID": given["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": given["secret_access_key"],
        "AWS_DEFAULT_REGION": given["region"],
    }
    command = [*command[:-1], at(command[-1], signed=emulator.urls["signed"])]

    assert shown(command, credentials) == expected


class IdentityPool(GatedService):
    """Cognito's API of identity pools, as far as the page calls it: for Ada, whose token is her name."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        given = {"AccessKeyId": credentials["access_key_id"], "SecretKey": credentials["secret_access_key"]}
        answers = {
            ("GetId", "IdentityPoolId"): {"IdentityId": "us-east-1:somebody"},
            ("GetCredentialsForIdentity", "IdentityId"): {"Credentials": given},
        }

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - http.server's name
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                action = self.headers["x-amz-target"].removeprefix("AWSCognitoIdentityService.")
                assert [*asked.pop("Logins").values()] == ["ada"]
                (parameter,) = asked
                body = json.dumps(answers[action, parameter]).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(Handler)


def test_a_page_signs_with_the_credentials_of_an_identity_pool(emulator: EmulatorProcess) -> None:
    folder = signing_node()
    with running(IdentityPool(emulator.credentials)) as pool:
        code = at(IDENTITY_POOL, cognito=f"{pool.address}/", signed=emulator.urls["signed"])

        assert shown(
            ["node", "--input-type=module", "--eval", f'const idToken = "ada";\n{code}'], cwd=folder
        ).strip() == ('arn sent {"prompt": "Hello"}.')


def test_a_policy_gives_both_permissions() -> None:
    statements = yaml_parse(POLICY)

    assert [statement["Action"] for statement in statements] == ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_an_access_token_of_cognito_names_its_user(emulator: EmulatorProcess, cognito: Mapping[str, str]) -> None:
    printed = shown(["sh", "-c", at(TOKEN_CURL, checked=emulator.urls["checked"])], cognito)

    assert re.fullmatch(r'data: \{"text":"Hello, [0-9a-f-]{36}\."\}\n\n', printed)


def test_without_a_token_the_handler_says_what_is_missing(emulator: EmulatorProcess) -> None:
    printed = shown(["curl", "--silent", "--include", emulator.urls["checked"]])

    assert printed.startswith("HTTP/1.1 401 ")
    assert printed.endswith("the request has no token: send the header authorization: Bearer TOKEN")


def test_the_handler_says_that_the_issuer_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(AUTH.parent)
    monkeypatch.setitem(sys.modules, "auth", None)
    del sys.modules["auth"]  # when the test ends it is gone again
    namespace: dict[str, Any] = {}
    exec(HANDLER, namespace)  # noqa: S102 - the page's
    token = {"headers": {"authorization": f"Bearer {jwt.encode({}, generate_private_key(SECP256R1()), 'ES256')}"}}
    with socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        monkeypatch.setenv("JWT_ISSUER", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("JWT_AUDIENCE", "any")

        answer = namespace["lambda_handler"](token, None)

    assert (answer["statusCode"], answer["headers"]) == (503, {"retry-after": "5"})


def test_the_page_has_each_setting_of_the_module() -> None:
    read = set(re.findall(r'environ\S*\(?"(JWT_[A-Z_]+)"', AUTH.read_text()))
    table = set(re.findall(r"(?m)^\| `(JWT_[A-Z_]+)` \|", PAGE.read_text()))

    assert len(read) == 4
    assert table == read
    assert read.issuperset(yaml_parse(SETTINGS)["Environment"]["Variables"].keys() - {"AWS_LAMBDA_EXEC_WRAPPER"})


# --- CloudFront and API Gateway --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(["node", "--input-type=module", "--eval", POST], 'arn sent {"prompt":"Hello"}.', marks=needs_node),
        (["sh", "-c", POST_CURL], 'arn sent {"prompt": "Hello"}.'),
    ],
    ids=["node", "curl"],
)
def test_a_post_through_cloudfront_has_the_hash_of_its_body(
    command: list[str], expected: str, emulator: EmulatorProcess
) -> None:
    with distributing(emulator.urls["signed"], emulator.credentials) as distribution:
        address = f"{distribution.address}/"

        assert shown([*command[:-1], at(command[-1], cloudfront=address)]).strip() == expected
        for wrong in ([], ["--header", "x-amz-content-sha256: 00"]):
            refused = shown(["curl", "--silent", "--include", "--data", "{}", *wrong, address])
            assert refused.startswith("HTTP/1.1 403 ")


def test_the_deployment_sets_parameters_that_the_template_has() -> None:
    parameters = yaml_parse((ROOT / "deploy" / "cloudfront.yaml").read_text())["Parameters"]
    given = dict(re.findall(r"(\w+)=(\S+)", DEPLOY))

    assert given.keys() == {name for name, parameter in parameters.items() if "Default" not in parameter}
    assert all(re.fullmatch(parameters[name]["AllowedPattern"], value) for name, value in given.items())


def test_the_settings_and_the_api_of_the_page_have_no_known_mistake(tmp_path: Path) -> None:
    template = yaml_parse(GOOD)
    resources = template["Resources"]
    resources["Hello"]["Properties"] |= yaml_parse(SETTINGS)
    resources |= yaml_parse(REST_API)
    for id_ in ("UserPool", "UserPoolClient"):
        resources[id_] = {"Type": f"AWS::Cognito::{id_}"}

    assert check(tmp_path, json.dumps(template)) == []
