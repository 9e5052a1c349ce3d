"""moto's Lambda inside this process, with what it lacks of AWS's for URLs, policies and updates.

moto's files stay as they are: each addition stands in for one of its functions. It counts the calls that change
something, and can refuse one of them, or be interrupted after it, as Ctrl-C is between the call and its answer.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import boto3
from botocore.loaders import JSONFileLoader
from moto import mock_aws
from moto.awslambda.models import FunctionUrlConfig, LambdaBackend, LambdaFunction
from moto.awslambda.policy import Policy
from moto.awslambda.responses import LambdaResponse

from moto_additions import standing_in

REGION = "us-east-1"
READING = ("Get", "List")
LATEST = "$LATEST"
LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"


class LambdaCloud:
    """An account with a layer. Tests make functions in it, and look at them."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.changes = 0
        self.refuse_at: int | None = None  # the number of the change that is refused, from 1
        self.refused: Callable[[str], tuple[int, str, str]] = denied
        self.interrupt_after: int | None = None
        self.refused_actions: set[str] = set()
        self.address: str | None = None  # where each URL leads
        self.code_at = ""
        self.layer_arn = ""
        self.client = boto3.client("lambda", region_name=REGION)
        self.role = boto3.client("iam", region_name=REGION).create_role(RoleName="r", AssumeRolePolicyDocument="{}")

    def layer(self, name: str = "streamify") -> str:
        """Publish a layer; return the ARN of its version."""
        return str(self.client.publish_layer_version(LayerName=name, Content={"ZipFile": b"PK"})["LayerVersionArn"])

    def function(self, name: str = "orders", **settings: Any) -> str:
        """Create a function; return its ARN."""
        given: dict[str, Any] = {
            "Runtime": "python3.13",
            "Handler": "app.lambda_handler",
            "Role": self.role["Role"]["Arn"],
            "Code": {"ZipFile": b"PK the code"},
            **settings,
        }
        given = {key: value for key, value in given.items() if value is not None}
        return str(self.client.create_function(FunctionName=name, **given)["FunctionArn"])

    def alias(self, name: str, function: str = "orders") -> None:
        """Publish a version and lead an alias to it."""
        version = self.client.publish_version(FunctionName=function)["Version"]
        self.client.create_alias(FunctionName=function, Name=name, FunctionVersion=version)

    def url(
        self, qualifier: str | None = None, mode: str = "BUFFERED", function: str = "orders", **settings: Any
    ) -> None:
        """Create a URL."""
        on: dict[str, Any] = {"Qualifier": qualifier} if qualifier else {}
        given: dict[str, Any] = {"AuthType": "AWS_IAM", "InvokeMode": mode, **settings}
        self.client.create_function_url_config(FunctionName=function, **on, **given)

    def everything(self) -> dict[str, Any]:
        """Return all that is to be the same before and after, of all functions."""
        return {
            each["FunctionName"]: self.all_of(each["FunctionName"])
            for each in self.client.list_functions()["Functions"]
        }

    def all_of(self, name: str) -> dict[str, Any]:
        """Return all that is to be the same before and after, of one function."""
        found = self.client.get_function(FunctionName=name)
        aliases = [_plain(each) for each in self.client.list_aliases(FunctionName=name)["Aliases"]]
        versions = self.client.list_versions_by_function(FunctionName=name)["Versions"]
        qualifiers = [LATEST, *(alias["Name"] for alias in aliases)]
        return {
            "configuration": _plain(found["Configuration"]),
            "tags": found.get("Tags") or {},
            "aliases": aliases,
            "versions": [_plain(each) for each in versions],
            "urls": {qualifier: self._url(name, qualifier) for qualifier in qualifiers},
            "policies": {qualifier: self.statements(name, qualifier) for qualifier in qualifiers},
        }

    def statements(self, name: str, qualifier: str = LATEST) -> list[Any]:
        """Return the statements of a policy."""
        on = {} if qualifier == LATEST else {"Qualifier": qualifier}
        try:
            statements: list[Any] = json.loads(self.client.get_policy(FunctionName=name, **on)["Policy"])["Statement"]
        except self.client.exceptions.ResourceNotFoundException:
            return []
        return statements

    def _url(self, name: str, qualifier: str) -> Any:
        on = {} if qualifier == LATEST else {"Qualifier": qualifier}
        try:
            return _plain(self.client.get_function_url_config(FunctionName=name, **on))
        except self.client.exceptions.ResourceNotFoundException:
            return None


def denied(action: str) -> tuple[int, str, str]:
    return (
        403,
        "AccessDeniedException",
        f"User: arn:aws:iam::123456789012:user/u is not authorized to perform: lambda:{action}",
    )


def throttled(_: str) -> tuple[int, str, str]:
    return 429, "TooManyRequestsException", "Rate exceeded"


def _plain(answer: Any) -> Any:
    left_out = ("ResponseMetadata", "LastModified", "LastModifiedTime", "CreationTime", "RevisionId")
    return {key: value for key, value in answer.items() if key not in left_out}


_current: list[LambdaCloud] = []
_load = JSONFileLoader.load_file


@cache
def _parsed(path: str) -> Any:
    return _load(JSONFileLoader(), path)


def _loaded(_: JSONFileLoader, path: str) -> Any:
    return _parsed(path)


@contextmanager
def lambda_cloud() -> Iterator[LambdaCloud]:
    """Have boto3 speak to moto for the length of the block.

    A session of boto3 parses the models of its services anew, which takes longer than a test: here, once.
    """
    with mock_aws(), _code_server() as code_at, patch.object(JSONFileLoader, "load_file", _loaded):
        cloud = LambdaCloud()
        cloud.code_at = code_at
        _current.append(cloud)
        try:
            yield cloud
        finally:
            _current.remove(cloud)


@contextmanager
def _code_server() -> Iterator[str]:
    """Serve the code at an address without a signature; AWS's has one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"PK the code")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/code.zip"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _refusal(status: int, code: str, message: str) -> tuple[int, dict[str, str], str]:
    return status, {"x-amzn-errortype": code, "status": str(status)}, json.dumps({"Message": message})


@standing_in(LambdaResponse, "call_action")
def call_action(before: Any, response: LambdaResponse) -> Any:
    """Count, refuse, or interrupt."""
    if not _current:
        return before(response)
    (cloud,) = _current
    action = response._get_action()  # noqa: SLF001
    cloud.calls.append(action)
    if action in cloud.refused_actions:
        return _refusal(*cloud.refused(action))
    if action.startswith(READING):
        return before(response)
    cloud.changes += 1
    if cloud.changes == cloud.refuse_at:
        return _refusal(*cloud.refused(action))
    answer = before(response)
    if cloud.changes == cloud.interrupt_after:
        raise KeyboardInterrupt
    return answer


def _of(response: LambdaResponse) -> tuple[LambdaFunction, str]:
    """Return the function that a request names, and the qualifier."""
    name = re.findall(r"/functions/([^/?]+)", response.path)[0]
    return response.backend.get_function(name), response.querystring.get("Qualifier", [LATEST])[0]


def _configs(function: LambdaFunction) -> dict[str, FunctionUrlConfig]:
    configs: dict[str, FunctionUrlConfig] = vars(function).setdefault("url_configs", {})
    return configs


def _described(function: LambdaFunction, qualifier: str) -> str:
    config = _configs(function)[qualifier]
    suffix = "" if qualifier == LATEST else f":{qualifier}"
    mode = config.config.get("InvokeMode") or "BUFFERED"
    return json.dumps({**config.to_dict(), "FunctionArn": function.function_arn + suffix, "InvokeMode": mode})


@standing_in(LambdaResponse, "create_function_url_config")
def create_url(_: Any, response: LambdaResponse) -> Any:
    """moto has one URL for a function, whatever the qualifier is."""
    function, qualifier = _of(response)
    if qualifier in _configs(function):
        return _refusal(409, "ResourceConflictException", "The URL exists already")
    config = _configs(function)[qualifier] = FunctionUrlConfig(function, response.json_body)
    config.url = _current[0].address or f"{config.url}/"
    return 201, {"status": 201}, _described(function, qualifier)


@standing_in(LambdaResponse, "get_function_url_config")
def get_url(_: Any, response: LambdaResponse) -> Any:
    function, qualifier = _of(response)
    if qualifier not in _configs(function):
        return _refusal(404, "ResourceNotFoundException", "The resource you requested does not exist.")
    return 200, {}, _described(function, qualifier)


@standing_in(LambdaResponse, "delete_function_url_config")
def delete_url(_: Any, response: LambdaResponse) -> Any:
    function, qualifier = _of(response)
    if _configs(function).pop(qualifier, None) is None:
        return _refusal(404, "ResourceNotFoundException", "The resource you requested does not exist.")
    return 204, {"status": 204}, "{}"


def _policy(function: LambdaFunction, qualifier: str | None) -> Policy:
    policies = vars(function).setdefault("policies", {})
    policy: Policy = policies.setdefault(qualifier or LATEST, Policy(function))
    return policy


@standing_in(LambdaBackend, "add_permission")
def add_permission(_: Any, backend: LambdaBackend, name: str, qualifier: str | None, raw: str) -> Any:
    """moto has one policy for the function and its aliases."""
    policy = _policy(backend.get_function(name), qualifier)
    statement, _revision = policy.add_statement(raw, qualifier)
    return statement


@standing_in(LambdaBackend, "get_policy")
def get_policy(_: Any, backend: LambdaBackend, name: str, qualifier: str | None = None) -> str:
    return _policy(backend.get_function(name), qualifier).wire_format()


@standing_in(LambdaResponse, "remove_permission")
def remove_permission(_: Any, response: LambdaResponse) -> Any:
    function, qualifier = _of(response)
    _policy(function, qualifier).del_statement(response.path.split("/")[-1].split("?")[0])
    return 204, {"status": 204}, "{}"


@standing_in(LambdaFunction, "get_configuration")
def get_configuration(before: Any, function: LambdaFunction, **kwargs: Any) -> Any:
    """moto drops SnapStart, and has no RevisionId."""
    configuration = before(function, **kwargs)
    configuration["RevisionId"] = f"r{vars(function).get('revision', 0)}"
    return {**configuration, **vars(function).get("extra", {})}


@standing_in(LambdaFunction, "update_configuration")
def update_configuration(before: Any, function: LambdaFunction, changes: dict[str, Any]) -> Any:
    """On AWS an update takes time: here it is made when somebody asks for it by GetFunction, as the waiter does."""
    vars(function)["revision"] = vars(function).get("revision", 0) + 1
    vars(function)["updating"] = True
    return before(function, changes)


@standing_in(LambdaResponse, "update_function_configuration")
def update_function_configuration(before: Any, response: LambdaResponse) -> Any:
    function, _ = _of(response)
    if response.json_body.get("RevisionId") not in (None, function.get_configuration()["RevisionId"]):
        return _refusal(412, "PreconditionFailedException", "The Revision Id provided does not match")
    if vars(function).get("updating"):
        return _refusal(409, "ResourceConflictException", "An update is in progress")
    return before(response)


@standing_in(LambdaResponse, "get_function")
def get_function(before: Any, response: LambdaResponse) -> Any:
    """moto gives no code that came in the request."""
    answer = json.loads(before(response))
    function, _ = _of(response)
    vars(function).pop("updating", None)
    if _current and answer["Configuration"]["PackageType"] == "Zip":
        answer["Code"] = {"RepositoryType": "S3", "Location": _current[0].code_at}
    return json.dumps(answer)


@standing_in(LambdaResponse, "publish_version")
def publish_version(before: Any, response: LambdaResponse) -> Any:
    function, _ = _of(response)
    if vars(function).get("updating"):
        return _refusal(409, "ResourceConflictException", "An update is in progress")
    return before(response)
