"""The context object that handlers get as their second argument.

Fields, types and texts are those of AWS's Python runtime (AWS Lambda Developer Guide, "Lambda context object in
Python"; details observed with awslambdaric 4.2.2).
"""

import os
import sys
import time

from .errors import RuntimeFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_W3C_FIELDS = ("traceparent", "tracestate", "baggage")


class _Record:
    """An object with fixed fields, each None where the source has none."""

    __slots__: "tuple[str, ...]" = ()

    def __init__(self, source: "Mapping[str, Any]") -> None:
        for name in self.__slots__:
            setattr(self, name, source.get(name))

    def __repr__(self) -> str:
        fields = ",".join(f"{name}={getattr(self, name)}" for name in self.__slots__)
        return f"{type(self).__name__}([{fields}])"


class CognitoIdentity(_Record):
    """Who calls, for callers authorised by Cognito."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self, source: "Mapping[str, Any]") -> None:
        self.cognito_identity_id = source.get("cognitoIdentityId")
        self.cognito_identity_pool_id = source.get("cognitoIdentityPoolId")


class Client(_Record):
    """The mobile application that calls."""

    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Record):
    """What the caller sent as its client context."""

    __slots__ = ("custom", "env", "client")


class FunctionVariables:
    """What the environment says of the function: the same for each invocation, and slow to look up."""

    def __init__(self, environ: "Mapping[str, str]") -> None:
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")  # text, as on AWS
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")


class LambdaContext:
    """What a handler can know about its invocation."""

    def __init__(
        self,
        *,
        aws_request_id: str,
        deadline_ms: int,
        invoked_function_arn: "str | None" = None,
        client_context: "dict[str, Any] | None" = None,
        cognito_identity: "dict[str, Any] | None" = None,
        tenant_id: "str | None" = None,
        function: "FunctionVariables | None" = None,
        clock: "Callable[[], float]" = time.time,
    ) -> None:
        self.aws_request_id = aws_request_id
        function = function or FunctionVariables(os.environ)
        self.log_group_name = function.log_group_name
        self.log_stream_name = function.log_stream_name
        self.function_name = function.function_name
        self.memory_limit_in_mb = function.memory_limit_in_mb
        self.function_version = function.function_version
        self.invoked_function_arn = invoked_function_arn
        self.tenant_id = tenant_id
        w3c = client_context.pop("w3c", None) if isinstance(client_context, dict) else None
        self._w3c = {}
        if isinstance(w3c, dict):
            self._w3c = {name: w3c[name] for name in _W3C_FIELDS if isinstance(w3c.get(name), str)}
        self.client_context = None
        if client_context is not None:
            self.client_context = ClientContext(client_context)
            client = client_context.get("client")
            self.client_context.client = None if client is None else Client(client)  # type: ignore[attr-defined]
        self.identity = CognitoIdentity(cognito_identity or {})
        self._deadline_ms = deadline_ms
        self._clock = clock

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends this invocation; 0 from then on."""
        return max(0, self._deadline_ms - int(self._clock() * 1000))

    def w3c(self) -> "dict[str, str]":
        """The W3C trace context of the caller."""
        return dict(self._w3c)

    def log(self, message: object) -> None:
        """Write `message` to the function's log as it stands, with no line break added."""
        logging = sys.modules.get("logging")
        for handler in logging.getLogger().handlers if logging else ():
            if hasattr(handler, "log_sink"):
                handler.log_sink.log(str(message))
                return
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        names = (
            "aws_request_id",
            "log_group_name",
            "log_stream_name",
            "function_name",
            "memory_limit_in_mb",
            "function_version",
            "invoked_function_arn",
            "client_context",
            "identity",
            "tenant_id",
        )
        return f"LambdaContext([{','.join(f'{name}={getattr(self, name)}' for name in names)}])"


def parse_header(value: "str | None", name: str) -> "Any":
    """A header of /next that holds JSON; `name` is what the fault calls it."""
    if not value:
        return None
    import json  # not lean_json: these headers may hold NaN, and few functions get any

    try:
        return json.loads(value.encode("latin-1").decode())  # headers are read as Latin-1, and these are UTF-8
    except ValueError as error:
        raise RuntimeFault("Runtime.LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from error
