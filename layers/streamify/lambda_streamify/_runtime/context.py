"""The invocation request from /next, and the context object that the handler receives.

The context has the same fields, types and texts as in AWS's Python runtime (AWS Lambda Developer Guide, "Lambda context
object in Python"; details observed with awslambdaric 4.2.2).
"""

import os
import sys
import time

from ..errors import RuntimeFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .._wire.outgoing import Outgoing

_W3C_FIELDS = ("traceparent", "tracestate", "baggage")


class InvocationRequest:
    """One invocation as /next returns it: the event and the headers.

    The names in `headers` are in lower case. `answer` is the buffered answer once it is being sent, else None.
    """

    __slots__ = ("answer", "body", "headers", "request_id")

    def __init__(self, headers: "Mapping[str, str]", body: bytes) -> None:
        self.answer: Outgoing | None = None
        self.headers = headers
        self.body = body
        self.request_id = headers.get("lambda-runtime-aws-request-id", "")

    def header(self, name: str) -> "str | None":
        """Return a header of /next, or None if it is empty. `name` is in lower case, without `lambda-runtime-`."""
        return self.headers.get("lambda-runtime-" + name) or None

    @property
    def is_answered(self) -> bool:
        """Whether the first bytes of a buffered answer may have been sent."""
        return self.answer is not None and self.answer.state != "pending"

    @property
    def content_type(self) -> "str | None":
        """The content type of the event."""
        return self.headers.get("content-type")

    @property
    def deadline_ms(self) -> int:
        """The time at which Lambda ends the invocation, in milliseconds since the epoch."""
        return int(self.headers.get("lambda-runtime-deadline-ms") or 0)


class _Record:
    """An object with fixed fields. A field that the source does not have is None."""

    __slots__: "tuple[str, ...]" = ()

    def __init__(self, source: "Mapping[str, Any]") -> None:
        for name in self.__slots__:
            setattr(self, name, source.get(name))

    def __repr__(self) -> str:
        fields = ",".join(f"{name}={getattr(self, name)}" for name in self.__slots__)
        return f"{type(self).__name__}([{fields}])"


class CognitoIdentity(_Record):
    """The identity of a caller that Cognito has authorised."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    if TYPE_CHECKING:
        cognito_identity_id: str | None
        cognito_identity_pool_id: str | None

    def __init__(self, source: "Mapping[str, Any]") -> None:
        self.cognito_identity_id = source.get("cognitoIdentityId")
        self.cognito_identity_pool_id = source.get("cognitoIdentityPoolId")


class Client(_Record):
    """The mobile application that invoked the function."""

    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")

    if TYPE_CHECKING:
        installation_id: str | None
        app_title: str | None
        app_version_name: str | None
        app_version_code: str | None
        app_package_name: str | None


class ClientContext(_Record):
    """The client context that the caller sent."""

    __slots__ = ("custom", "env", "client")

    if TYPE_CHECKING:
        custom: dict[str, Any] | None
        env: dict[str, Any] | None
        client: Client | None


class FunctionVariables:
    """The environment variables that describe the function. They are read once, since the lookup is slow."""

    def __init__(self, environ: "Mapping[str, str]") -> None:
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")  # a str, as on AWS
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")


class LambdaContext:
    """Information about one invocation: the handler's second argument.

        def handler(event: FunctionUrlEvent, context: LambdaContext) -> Iterator[str]:
            yield f"{context.get_remaining_time_in_millis()} ms left"

    Attributes, as on AWS: `aws_request_id`, `function_name`, `function_version`, `invoked_function_arn`,
    `memory_limit_in_mb` (a str), `log_group_name`, `log_stream_name`, `client_context` (None unless the caller sent
    one), `identity`, `tenant_id`. Under AWS's own runtime the object is of AWS's class, with the same attributes.
    """

    _xray_trace_id: "str | None" = None  # set where the environment variable cannot say it for several invocations

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
            self.client_context.client = None if client is None else Client(client)
        self.identity = CognitoIdentity(cognito_identity or {})
        self._deadline_ms = deadline_ms
        self._clock = clock

    @property
    def xray_trace_id(self) -> "str | None":
        """The X-Ray trace header of this invocation, a str or None. AWS's own class has no such attribute."""
        return self._xray_trace_id or os.environ.get("_X_AMZN_TRACE_ID")

    @xray_trace_id.setter
    def xray_trace_id(self, value: "str | None") -> None:
        self._xray_trace_id = value

    def get_remaining_time_in_millis(self) -> int:
        """Return the number of milliseconds until Lambda ends this invocation, 0 after that."""
        return max(0, self._deadline_ms - int(self._clock() * 1000))

    def w3c(self) -> "dict[str, str]":
        """Return the W3C trace context of the caller."""
        return dict(self._w3c)

    def log(self, message: object) -> None:
        """Write `message` to the function's log unchanged, without adding a line break."""
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
    """Return the JSON value of a header of /next, None if there is no header. An error message calls it `name`."""
    if not value:
        return None
    import json  # not fast_json: these headers may contain NaN, and few invocations have them

    try:
        return json.loads(value.encode("latin-1").decode())  # these headers are UTF-8, but were decoded as Latin-1
    except ValueError as error:
        raise RuntimeFault("Runtime.LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from error
