"""What forbids to attach the layer: each rule returns one sentence with the way out, or None."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import AttachError
from . import managed
from .marks import unfit
from .second_function import NOT_COPIED
from .snapshot import FUNCTION_NAME, FUNCTION_NAME_LIMIT, OUR_WRAPPER, WRAPPER
from .ways import BUFFERED, UNCHANGED, WAYS, mark_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .snapshot import Function
    from .ways import Wish

# Lambda Developer Guide, "Lambda quotas".
_LAYER_LIMIT = 5
_SIZE_LIMIT_BYTES = 262_144_000
_ENVIRONMENT_LIMIT_BYTES = 4096
_UPLOAD_LIMIT_BYTES = 50 * 1024 * 1024
_PYTHON = re.compile(r"python3\.(1\d)")
_LAYER_ARN = re.compile(r"arn:[^:]+:lambda:(?P<region>[^:]+):[^:]+:layer:(?P<name>[^:]+):(?P<version>\d+)")
_ADAPTER = "/opt/bootstrap"
_KILL_SWITCH = "STREAMIFY_DISABLE"
_ALIAS = re.compile(r"(?!\d+$)[A-Za-z0-9_-]{1,128}")

DOCKERFILE = """\
RUN pip install lambda-streamify
ENTRYPOINT ["python", "-m", "lambda_streamify"]
CMD ["app.lambda_handler"]"""


def check_layer(arn: str) -> None:
    """Raise AttachError if this is not the ARN of a version of a layer."""
    if not _LAYER_ARN.fullmatch(arn):
        raise AttachError(
            f"--layer {arn}: it is not the ARN of a layer's version, "
            "such as arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"
        )


def refusals(function: Function, wish: Wish, via: str, name: str) -> list[str]:
    """Return why the function cannot be attached in this way; nothing if it can."""
    if function.is_image:  # nothing else applies to it
        return [_image(function)]
    return [reason for rule in _RULES if (reason := rule(function, wish, via, name)) is not None]


def notes(function: Function, wish: Wish, via: str) -> Iterator[str]:
    """Yield what the user should know, and what could not be found out."""
    way = WAYS[via]
    if way.adds_url and function.in_vpc:
        yield (
            "the function is in a VPC, and AWS says that function URLs do not stream from there: "
            "use InvokeWithResponseStream or a REST API"
        )
    if wish.timeout_s is None and way.adds_url and function.timeout_s <= _SHORT_TIMEOUT_S:
        yield f"the timeout is {function.timeout_s} s, which cuts longer streams: --timeout SECONDS changes it"
    if function.snap_start and via == "in-place":
        yield "SnapStart works for published versions only; --via alias makes one"
    if function.is_durable:
        yield "the function is durable, and whether the layer runs durable functions is unverified"
    if function.runtime == "python3.10" and via == "second-function":
        yield "AWS accepts no new functions on python3.10 from 2026-11-30"
    if via == "second-function":
        yield f"not copied: {NOT_COPIED}"
    if function.variables.get("DD_EXPERIMENTAL_ENABLE_PROXY", "").lower() == "true":
        yield "Datadog's proxy collects bodies, so nothing streams through it: remove DD_EXPERIMENTAL_ENABLE_PROXY"
    if not wish.layer:
        yield "the layer that is published stays when the function is detached, since others may use it by then"
    yield from (f"could not be read: {each}" for each in function.unread)


_SHORT_TIMEOUT_S = 10


def _image(function: Function) -> str:
    return (
        f"{function.name} is a container image, which has no layers: write this into its Dockerfile, with its handler\n"
        f"{DOCKERFILE}"
    )


def _runtime(function: Function, _: Wish, _via: str, _name: str) -> str | None:
    if _PYTHON.fullmatch(function.runtime):
        return None
    if function.runtime.startswith("python"):
        return f"{function.name} runs on {function.runtime}: move it to Python 3.10 or later, which the layer needs"
    if function.runtime.startswith("nodejs"):
        return (
            f"{function.name} runs on {function.runtime}: the layer is for Python; Node.js streams by itself, "
            "with awslambda.streamifyResponse"
        )
    return (
        f"{function.name} runs on {function.runtime or 'a runtime of its own'}: the layer is for functions on "
        "AWS's Python 3.10 or later"
    )


def _managed(function: Function, wish: Wish, _via: str, _name: str) -> str | None:
    return None if wish.force else managed.refusal(function, wish.layer)


def _layer(function: Function, wish: Wish, _via: str, _name: str) -> str | None:
    arn = wish.layer or ""
    parts = _LAYER_ARN.fullmatch(arn)
    if parts is None:
        return None
    if parts["region"] != function.region:
        return (
            f"--layer {arn}: it is in {parts['region']}, and {function.name} in {function.region}: "
            "publish it there (--publish)"
        )
    if function.layer_problem is not None:
        return f"--layer {arn}: {function.layer_problem}"
    layer = arn.rpartition(":")[0]
    other = next((each for each in function.layers if each.rpartition(":")[0] == layer and each != arn), None)
    return None if other is None else f"{function.name} has another version of this layer already: --layer {other}"


def _sixth_layer(function: Function, wish: Wish, _via: str, _name: str) -> str | None:
    if wish.layer in function.layers or len(function.layers) < _LAYER_LIMIT:
        return None
    return (
        f"{function.name} has {len(function.layers)} layers, and Lambda allows {_LAYER_LIMIT}: "
        f"merge two of {', '.join(function.layers)}, or put lambda-streamify into the code"
    )


def _size(function: Function, _: Wish, _via: str, _name: str) -> str | None:
    if function.zipped_bytes < _SIZE_LIMIT_BYTES:
        return None
    return (
        f"{function.name} has {function.zipped_bytes:,} bytes of code and layers, zipped; Lambda allows 250 MB "
        "unpacked: make it smaller"
    )


def _environment(function: Function, wish: Wish, via: str, name: str) -> str | None:
    added = {WRAPPER: OUR_WRAPPER, "STREAMIFY_INVOKE_MODE": "buffered"}
    if function.wrapper:
        added["STREAMIFY_NEXT_WRAPPER"] = function.wrapper
    size = sum(len(key.encode()) + len(value.encode()) for key, value in {**function.variables, **added}.items())
    if size > _ENVIRONMENT_LIMIT_BYTES:
        return (
            f"{function.name} would have {size:,} bytes of environment variables, and Lambda allows 4 KB: move "
            "some to Parameter Store"
        )
    variable = None if via == "second-function" else unfit(mark_of(function, wish, via, name))
    if variable is not None:
        return (
            f"{function.name}: {variable} has a value that no tag can hold, so it could not be restored: change "
            "it first"
        )
    return None


def _adapter(function: Function, _: Wish, _via: str, _name: str) -> str | None:
    if function.wrapper != _ADAPTER:
        return None
    return (
        f"{function.name} runs in Lambda Web Adapter ({WRAPPER}={_ADAPTER}), which needs its place: remove it "
        "first, and serve the app by asgi.handler or wsgi.handler"
    )


def _kill_switch(function: Function, _: Wish, _via: str, _name: str) -> str | None:
    if function.variables.get(_KILL_SWITCH, "") in ("", "0", "false"):
        return None
    return (
        f"{function.name} has {_KILL_SWITCH}={function.variables[_KILL_SWITCH]}, which turns the layer off: "
        "remove it first"
    )


def _url_in_use(function: Function, _: Wish, via: str, _name: str) -> str | None:
    if WAYS[via].latest in (UNCHANGED, BUFFERED):
        return None
    url = next((url for url in function.urls if not url.streams and function.runs_latest(url.qualifier)), None)
    if url is None:
        return None
    return (
        f"--via {via} would break {url.address}, a BUFFERED URL that runs $LATEST: "
        "choose --via second-function, or --via in-place-buffered"
    )


def _streaming_url(function: Function, _: Wish, via: str, _name: str) -> str | None:
    if via != "in-place-buffered":
        return None
    url = next((url for url in function.urls if url.streams and function.runs_latest(url.qualifier)), None)
    if url is None:
        return None
    return (
        f"{url.address} streams, and a streaming URL needs other answers than --via in-place-buffered gives: "
        "choose --via in-place"
    )


def _tenants(function: Function, _: Wish, via: str, _name: str) -> str | None:
    if not (function.isolates_tenants and WAYS[via].adds_url):
        return None
    return (
        f"{function.name} isolates tenants, and function URLs do not serve such functions: choose --via "
        "in-place-buffered"
    )


def _taken(function: Function, _: Wish, via: str, name: str) -> str | None:
    if via == "alias":
        if not _ALIAS.fullmatch(name):
            return f"--as {name}: it cannot be the name of an alias: use letters, digits, - and _"
        if any(alias.name == name for alias in function.aliases):
            return f"{function.name} has an alias {name} already: choose another by --as"
    if via == "second-function":
        if not FUNCTION_NAME.fullmatch(name):
            return (
                f"--as {name}: it cannot be the name of a function: use up to {FUNCTION_NAME_LIMIT} letters, "
                "digits, - and _"
            )
        if name in function.others:
            return f"there is a function {name} already: choose another name by --as"
    return None


def _code(function: Function, _: Wish, via: str, _name: str) -> str | None:
    if via != "second-function" or function.code_bytes <= _UPLOAD_LIMIT_BYTES:
        return None
    return (
        f"the code of {function.name} has {function.code_bytes:,} bytes, more than can be uploaded directly: "
        "deploy the second function as you deployed the first"
    )


_RULES: tuple[Callable[[Function, Wish, str, str], str | None], ...] = (
    _runtime,
    _managed,
    _layer,
    _sixth_layer,
    _size,
    _environment,
    _adapter,
    _kill_switch,
    _url_in_use,
    _streaming_url,
    _tenants,
    _taken,
    _code,
)
