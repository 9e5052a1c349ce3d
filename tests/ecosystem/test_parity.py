"""The same handlers under the built layer and under AWS's own client, compared in all that can be seen from outside.

What is meant to differ stands in the table of docs/reference/parity.md: a difference that is not listed fails, and so
does one that is listed and no longer there.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import time

import pytest

from layer_build import MODULES
from parity import (
    ABSENT,
    AWS,
    DATA,
    OURS,
    RUNTIMES,
    Case,
    Difference,
    Observation,
    Scene,
    differences,
    dispatched,
    listed_differences,
    names_in,
    observe,
)
from sandbox import FileSystem, installed_packages, make_file_system

TASK = DATA / "task"
RESULTS, FAILURES, ENDINGS, LOGS, SURROUNDINGS = (
    names_in(TASK / f"{module}.py") for module in ("results", "failures", "endings", "logs", "surroundings")
)
JSON_LOGS = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}
TELEMETRY = {"_LAMBDA_TELEMETRY_LOG_FD": ""}  # filled in when it is known
FUNCTION = {
    "AWS_LAMBDA_FUNCTION_NAME": "parity",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/parity",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0",
}
# AWS's client does not ask the interpreter which one it is.
PYTHON_3_11 = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.11"}
PYTHON_3_12 = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}

# --- events ----------------------------------------------------------------------------------------------------------

CLIENT = {
    "client": {"installation_id": "i", "app_title": "t", "app_package_name": "p", "other": 1},
    "custom": {"a": "é"},
    "env": {"locale": "de"},
}
W3C = {"traceparent": "00-1-2-01", "tracestate": "a=b", "baggage": 5, "other": "x"}


def client(**context: object) -> dict[str, str]:
    return {"Lambda-Runtime-Client-Context": json.dumps(context)}


def raw(name: str, body: bytes, content_type: str = "application/json") -> Case:
    return Case(f"events.{name}", body, {"Content-Type": content_type})


EVENTS = (
    raw("null", b"null"),
    raw("text", b'"text"'),
    raw("numbers", b"[0, -0, -0.0, 1.10, 1e5, 1E400, 12345678901234567890]"),
    raw("many_digits", b"[" + b"9" * 4000 + b"]"),
    raw("too_many_digits", b"[" + b"9" * 5000 + b"]"),
    raw("same_key_twice", b'{"a": 1, "a": 2}'),
    raw("escapes", b'"\\u00e9\\ud83d\\ude00\\ud800\\u0000\\/"'),
    raw("utf_8", '"é 中 \U0001f600"'.encode()),
    raw("white_space", b' \t\r\n{"a" : 1}\n'),
    raw("byte_order_mark", b"\xef\xbb\xbf{}"),
    raw("utf_16", '"é"'.encode("utf-16")),
    raw("invalid_utf_8", b'"\xff"'),
    raw("empty", b""),
    raw("only_white_space", b"  "),
    raw("truncated", b'{"a": '),
    raw("truncated_text", b'"abc'),
    raw("trailing", b"{} x"),
    raw("single_quotes", b"{'a': 1}"),
    raw("no_comma", b"[1 2]"),
    raw("no_colon", b'{"a" 1}'),
    raw("bad_escape", b'"\\x"'),
    raw("control_character", b'"a\nb"'),
    raw("nan", b"[NaN]"),
    raw("infinity", b"[Infinity]"),
    raw("negative_infinity", b"[-Infinity]"),
    raw("leading_zero", b"[01]"),
    raw("nested", b"[" * 500 + b"]" * 500),
    raw("nested_too_deep", b"[" * 100_000),
    raw("plain_text", b"text \xff", "text/plain"),
    raw("json_of_a_charset", b"{}", "application/json; charset=utf-8"),
    raw("json_in_capitals", b"{}", "Application/JSON"),
    raw("empty_bytes", b"", "application/octet-stream"),
    raw("no_content_type", b"{}", ABSENT),
    *(
        dispatched(f"events.{name}")
        for name in (
            *("context_values", "context_types", "context_names", "context_private_names", "context_class"),
            *("context_repr", "context_client", "context_identity", "context_identity_takes_no_other_field"),
            *("context_takes_any_field", "context_is_changed", "context_copied", "context_w3c", "context_tenant"),
            *("remaining_time_after_the_deadline",),
        )
    ),
)


def named(name: str, case: Case) -> Case:
    return Case(f"events.{name}", case.body, case.headers, case.status)


def headed(name: str, function: str, headers: Mapping[str, str]) -> Case:
    return named(name, dispatched(f"events.{function}", headers))


HEADERS = (
    headed(
        "deadline_in_a_quarter_of_an_hour",
        "remaining_time_before_the_deadline",
        {"Lambda-Runtime-Deadline-Ms": str(int(time() * 1000) + 900_000)},
    ),
    headed("client_context", "context_client", client(**CLIENT)),
    headed("client_context_empty", "context_client", client()),
    headed("client_context_without_client", "context_client", client(custom={"a": 1})),
    headed("client_context_of_nulls", "context_client", client(client=None, custom=None, env=None)),
    headed("client_context_w3c", "context_w3c", client(w3c=W3C)),
    headed("client_context_w3c_is_taken_out", "context_client", client(w3c=W3C, custom={})),
    headed("client_context_w3c_is_no_object", "context_w3c", client(w3c="x")),
    headed("client_context_client_is_no_object", "context_client", client(client="x")),
    headed("client_context_in_repr", "context_repr", client(**CLIENT)),
    headed(
        "client_context_beyond_ascii", "context_client", {"Lambda-Runtime-Client-Context": '{"custom": {"a": "é"}}'}
    ),
    headed("client_context_broken", "context_client", {"Lambda-Runtime-Client-Context": "{"}),
    headed("client_context_is_empty_text", "context_client", {"Lambda-Runtime-Client-Context": ""}),
    headed("client_context_is_a_number", "context_client", {"Lambda-Runtime-Client-Context": "5"}),
    headed("client_context_is_a_list", "context_client", {"Lambda-Runtime-Client-Context": "[]"}),
    headed("client_context_is_null", "context_client", {"Lambda-Runtime-Client-Context": "null"}),
    headed(
        "identity",
        "context_identity",
        {"Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool", "other": 1}'},
    ),
    headed("identity_empty", "context_identity", {"Lambda-Runtime-Cognito-Identity": "{}"}),
    headed("identity_broken", "context_identity", {"Lambda-Runtime-Cognito-Identity": "nonsense"}),
    headed("identity_is_a_list", "context_identity", {"Lambda-Runtime-Cognito-Identity": "[1]"}),
    headed("identity_is_null", "context_identity", {"Lambda-Runtime-Cognito-Identity": "null"}),
    headed("tenant", "context_tenant", {"Lambda-Runtime-Aws-Tenant-Id": "tenant-1"}),
    headed("tenant_after_a_tenant", "context_tenant", {}),
    headed("no_arn", "context_values", {"Lambda-Runtime-Invoked-Function-Arn": ABSENT}),
    headed("trace", "trace", {}),
    headed("trace_absent", "trace", {"Lambda-Runtime-Trace-Id": ABSENT}),
    headed("trace_again", "trace", {}),
    headed("trace_empty", "trace", {"Lambda-Runtime-Trace-Id": ""}),
    headed("invocation_id", "trace", {"Lambda-Runtime-Invocation-Id": "nonce-1"}),
    named("invocation_id_of_an_error", dispatched("failures.raises", {"Lambda-Runtime-Invocation-Id": "nonce-2"})),
    headed("invocation_id_absent_again", "trace", {}),
)

# What event sources send, as far as it tells them apart; the handler returns a plain value.
URL = {"domainName": "a.lambda-url.b.on.aws", "http": {"method": "GET"}}
SOURCE_EVENTS: dict[str, dict[str, object]] = {
    "a_function_url": {"version": "2.0", "requestContext": URL},
    "an_http_api": {"version": "2.0", "requestContext": {"domainName": "a.execute-api", "http": {"method": "GET"}}},
    "a_rest_api": {"httpMethod": "GET", "requestContext": {"stage": "test"}},
    "a_load_balancer": {"httpMethod": "GET", "requestContext": {"elb": {}}},
    "a_websocket_api": {"requestContext": {"connectionId": "a"}},
    "a_queue": {"Records": [{"eventSource": "aws:sqs"}]},
}
SOURCES = tuple(
    named(f"from_{source}", dispatched("results.proxy_response", event=event))
    for source, event in SOURCE_EVENTS.items()
)

# --- scenes ----------------------------------------------------------------------------------------------------------


def all_of(names: list[str]) -> tuple[Case, ...]:
    return tuple(dispatched(name) for name in names)


EVERYTHING = (*all_of(RESULTS), *all_of(FAILURES), *all_of(ENDINGS), *all_of(LOGS), *EVENTS, *HEADERS, *SOURCES)
WRITTEN = (
    *all_of(FAILURES),
    *all_of(LOGS),
    *HEADERS,
    headed("tenant_in_the_log", "context_tenant", {}),
    named("log_of_a_tenant", dispatched("logs.extra_fields", {"Lambda-Runtime-Aws-Tenant-Id": "tenant-1"})),
    named("error_of_a_tenant", dispatched("failures.raises", {"Lambda-Runtime-Aws-Tenant-Id": "tenant-1"})),
)


def dispatching() -> Iterator[Scene]:
    for name, cases, variables in (
        ("text", EVERYTHING, {}),
        ("text, telemetry", WRITTEN, TELEMETRY),
        ("JSON", WRITTEN, JSON_LOGS),
        ("JSON, telemetry", WRITTEN, JSON_LOGS | TELEMETRY),
        ("Python 3.12", EVERYTHING, PYTHON_3_12),
        ("Python 3.12, JSON, telemetry", WRITTEN, PYTHON_3_12 | JSON_LOGS | TELEMETRY),
        ("buffered", SOURCES, {"STREAMIFY_INVOKE_MODE": "buffered"}),
    ):
        yield Scene(name, cases, variables=FUNCTION | variables, measured=True)
    for level in ("TRACE", "debug", "INFO", "WARN", "ERROR", "FATAL", "nonsense"):
        for name, variables in (("text", {}), ("JSON", JSON_LOGS)):
            settings = TELEMETRY | variables | {"AWS_LAMBDA_LOG_LEVEL": level}
            yield Scene(f"{name} of level {level}", all_of(LOGS), variables=settings)
    yield Scene("text of an empty level", all_of(LOGS), variables={"AWS_LAMBDA_LOG_LEVEL": ""})
    yield Scene("text of level INFO, no telemetry", all_of(LOGS), variables={"AWS_LAMBDA_LOG_LEVEL": "INFO"})
    yield Scene("format in small letters", all_of(LOGS), variables={"AWS_LAMBDA_LOG_FORMAT": "json"})
    yield Scene("format of nonsense", all_of(LOGS), variables={"AWS_LAMBDA_LOG_FORMAT": "XML"})
    for name, variables in (
        ("surroundings", FUNCTION),
        ("surroundings with PYTHONPATH", {"PYTHONPATH": "/mine:/mine/too"}),
        ("surroundings with an empty PYTHONPATH", {"PYTHONPATH": ""}),
        ("surroundings of Python 3.12", PYTHON_3_12),
    ):
        yield Scene(name, all_of(SURROUNDINGS), variables=variables)


STARTS = sorted(path.stem for path in (DATA / "starts").glob("*.py"))


def starting() -> Iterator[Scene]:
    for name in STARTS:
        variables = {}
        if "snapshot" in name or "restore" in name:
            variables = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
        if "sigterm" in name:
            variables = PYTHON_3_12  # before, AWS's client waits where Python runs no handler of a signal
        # What is logged depends on the format; most have nothing to log.
        writes = "import logging" in (DATA / "starts" / f"{name}.py").read_text() or name.startswith(
            ("raises", "fails")
        )
        for kind, settings in {"text": {}, "JSON, telemetry": JSON_LOGS | TELEMETRY}.items():
            title = f"starts.{name}"
            if writes or kind == "text":
                yield Scene(
                    f"{title}, {kind}",
                    (Case(f"calls.{name}"), Case(f"calls.{name}.again")),
                    start=title,
                    end=f"ends.{name}",
                    handler=f"{name}.handler",
                    task=DATA / "starts",
                    variables=variables | settings,
                )
    for name in ("raises", "raises_beyond_latin_1", "raises_its_own_class"):
        title = f"starts_of_python_3_12.{name}"
        yield Scene(title, start=title, handler=f"{name}.handler", task=DATA / "starts", variables=PYTHON_3_12)
    for name, handler in {
        "in_a_folder": "folder/package/module.handler",
        "in_a_package": "folder.package.module.handler",
        "in_a_folder_and_fails": "folder/package/module.fails",
        "in_a_package_that_is_missing": "folder.absent.module.handler",
        "missing_module": "absent.handler",
        "missing_function": "app.absent",
        "missing_function_in_a_folder": "folder/package/module.absent",
        "no_dot": "handler",
        "only_a_dot": ".",
        "empty": "",
        "empty_function": "app.",
        "empty_module": ".handler",
        "two_dots": "app..handler",
        "leading_dots": "..app.handler",
        "leading_slash": "/app.handler",
        "current_folder": "./app.handler",
        "parent_folder": "../task/app.handler",
        "trailing_slash": "app/.handler",
        "builtin_module": "sys.exit",
        "builtin_module_time": "time.sleep",
        "part_of_a_builtin_module": "sys.path.append",
        "folder_named_like_a_builtin_module": "sys/app.handler",
        "standard_library": "json.dumps",
        "attribute_of_an_attribute": "app.MODULES.get",
        "with_a_space": "app .handler",
        "beyond_ascii": "größe.handler",
        "file_name": "app.py",
        "folder": "folder.handler",
        "main": "__main__.handler",
    }.items():
        title = f"handlers.{name}"
        yield Scene(title, (dispatched("results.object"),), start=title, end=f"ends.{name}", handler=handler)


REFUSED = tuple(
    Scene(
        f"refused {status}",
        (
            Case(f"refused.response_{status}", json.dumps({"case": "results.object"}).encode(), status=status),
            Case(f"refused.after_response_{status}", json.dumps({"case": "results.object"}).encode()),
            Case(f"refused.error_{status}", json.dumps({"case": "failures.raises"}).encode(), status=status),
            Case(f"refused.after_error_{status}", json.dumps({"case": "results.object"}).encode()),
        ),
        start=f"refused.start_{status}",
        end=f"refused.end_{status}",
    )
    for status in (400, 403, 410, 413, 500)
)

SCENES = {
    scene.name: scene
    for scene in (
        *dispatching(),
        *starting(),
        *REFUSED,
        Scene("refused next", start="refused.next", next_status=500),
        Scene("refused init/error", start="refused.init_error", handler="absent.handler", init_status=403),
    )
}


# What no linter reads, and modules by the names of the layer's own: written when they are needed.
BROKEN = {
    "syntax_error": b"def handler(event, context)\n    return 1\n",
    "syntax_error_in_a_later_line": b"import os\n\n\nx = 'open\n",
    "indentation_error": b"def handler(event, context):\nreturn 1\n",
    "tab_error": b"if True:\n        x = 1\n\ty = 2\n",
    "nul_bytes": b"x = 1\0\n",
    "wrong_encoding": b"x = '\xff'\n",
    "unknown_encoding": b"# coding: nonsense\n",
    "syntax_error_beyond_ascii": "größe = = 1\n".encode(),
    "return_outside_of_a_function": b"return 1\n",
    "await_outside_of_a_function": b"await 1\n",
    "future_that_is_none": b"from __future__ import nonsense\n",
    "empty_file": b"",
}
NAMES = tuple(
    sorted({path.rpartition("/")[2] for path in MODULES} - {"__init__", "__main__"} - {*sys.builtin_module_names})
)
NAMESAKE = """
def handler(event, context):
    return [__name__, __file__]

def fails(event, context):
    raise ValueError(__name__)
"""
NAMESAKE_SCENES = tuple(
    f"namesake.{name}.{function}"
    for name in ("bootstrap", "runtime", "context", "errors")
    for function in ("handler", "fails")
)
ALL_NAMESAKES = """
from importlib import import_module

def handler(event, context):
    return getattr(import_module(event["module"]), event["function"])(event, context)
"""


def writing(folder: Path) -> Iterator[Scene]:
    """Yield the scenes whose modules are written into the folder."""
    folder.mkdir(parents=True)
    for name, source in BROKEN.items():
        (folder / f"{name}.py").write_bytes(source)
        yield Scene(f"broken.{name}", start=f"broken.{name}", handler=f"{name}.handler", task=folder)
    for name in NAMES:
        (folder / f"{name}.py").write_text(NAMESAKE)
    (folder / "all_namesakes.py").write_text(ALL_NAMESAKES)
    cases = tuple(
        Case(f"namesakes.{name}.{function}", json.dumps({"module": name, "function": function}).encode())
        for name in NAMES
        for function in ("handler", "fails")
    )
    yield Scene("namesakes", cases, handler="all_namesakes.handler", task=folder)
    for title in NAMESAKE_SCENES:
        yield Scene(title, (Case(title),), handler=title.partition(".")[2], task=folder)


def _in_python_3_11(scene: Scene) -> Scene:
    """Return the scene in that environment, unless it says otherwise."""
    return replace(scene, variables={**PYTHON_3_11, **scene.variables})


class Results:
    """What both runtimes did, scene by scene; both run at the same time."""

    def __init__(self, system: FileSystem, scratch: Path) -> None:
        self.scenes = SCENES | {scene.name: scene for scene in writing(scratch / "written")}
        self._pool = ThreadPoolExecutor(4)
        self._futures = {
            (name, runtime): self._pool.submit(observe, runtime, _in_python_3_11(scene), system, scratch)
            for name, scene in self.scenes.items()
            for runtime in RUNTIMES
        }

    def __getitem__(self, name: str) -> tuple[dict[str, Observation], dict[str, Observation]]:
        return self._futures[name, AWS].result(), self._futures[name, OURS].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def cases(self, name: str) -> list[str]:
        """Return the names of the scene's cases that either has run."""
        aws, ours = self[name]
        return list(dict.fromkeys((*aws, *ours)))

    def differences(self, name: str) -> list[Difference]:
        """Return the scene's differences."""
        return [one for case in self.cases(name) for one in differences(name, *self[name], case)]


# Reads the table once for all scenes.
LISTED = listed_differences()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    scratch = tmp_path_factory.mktemp("parity")
    results = Results(make_file_system(scratch / "root", installed_packages()), scratch / "scenes")
    yield results
    results.close()


WRITTEN_SCENES = ("namesakes", *(f"broken.{name}" for name in BROKEN), *NAMESAKE_SCENES)


@pytest.mark.parametrize("scene", [*SCENES, *WRITTEN_SCENES])
def test_both_runtimes_do_the_same_but_for_what_is_listed(results: Results, scene: str) -> None:
    unlisted = [one for one in results.differences(scene) if not any(row.covers(one) for row in LISTED)]

    assert not unlisted, "not in docs/reference/parity.md:\n" + "\n".join(map(str, unlisted))


def test_every_listed_difference_is_there_and_as_it_is_said(
    results: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [one for scene in results.scenes for one in results.differences(scene)]
    cases = [case for scene in results.scenes for case in results.cases(scene)]
    kinds: dict[str, set[str]] = {}
    for one in found:
        kinds.setdefault(one.case, set()).add(one.aspect)
    with capsys.disabled():
        print(f"\n{len(cases)} runs of {len(set(cases))} cases in {len(results.scenes)} scenes differ in:")  # noqa: T201
        for case, aspects in sorted(kinds.items()):
            print(f"  {case}: {', '.join(sorted(aspects))}")  # noqa: T201
    faults = [fault for row in LISTED for fault in row.faults(found)]

    assert len(set(cases)) >= 60
    assert not faults, "\n".join(faults)
