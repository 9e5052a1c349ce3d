"""What a caller and an operator see of a runtime, aspect by aspect, and how two runtimes differ in it."""

import importlib.util
import json
import os
import re
import signal
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from inspect import isfunction
from pathlib import Path
from typing import Any

from process_table import wait_until_idle
from processes import ROOT
from queued_api import Ended, Event, Post, QueuedApi
from sandbox import FileSystem, Sandbox, running

AWS, OURS = "aws", "ours"
RUNTIMES = (AWS, OURS)

DATA = ROOT / "tests" / "data" / "parity"
TABLE = ROOT / "docs" / "reference" / "parity.md"

# By name of the aspect, the text of what was seen.
Observation = dict[str, str]


@dataclass(frozen=True)
class Case:
    """One event."""

    name: str
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 202
    copies: int = 1  # each is handed out to another worker
    awaited: bool = True  # False: the next case is handed out to another worker without a look at what this one does

    def event(self) -> Event:
        """Return it as /next hands it out."""
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": f"id-of-{self.name}",
            "Lambda-Runtime-Deadline-Ms": "2000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:parity",
            "Lambda-Runtime-Trace-Id": f"Root=1-5759e988-bd862e3fe1be46a994272793;Lineage={self.name}",
            **self.headers,
        }
        return Event(self.body, {name: value for name, value in headers.items() if value != ABSENT}, self.status)


ABSENT = "(absent)"


def dispatched(name: str, headers: Mapping[str, str] | None = None, event: Mapping[str, object] | None = None) -> Case:
    """Return the case that `module.function` of the dispatching function answers; `event` is the rest of its event."""
    return Case(name, json.dumps({"case": name, **(event or {})}).encode(), headers or {})


def names_in(path: Path) -> list[str]:
    """Return the cases that a module of the dispatching function holds, as `module.function`."""
    spec = importlib.util.spec_from_file_location(f"parity_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    values = getattr(module, "VALUES", None)
    if values is not None:
        return [f"{path.stem}.{name}" for name in values]
    arguments = ("event", "context")
    functions = (value for value in vars(module).values() if isfunction(value))
    return [f"{path.stem}.{f.__name__}" for f in functions if f.__code__.co_varnames[:2] == arguments]


@dataclass(frozen=True)
class Scene:
    """One process of each runtime, and the cases that it runs one after the other.

    `start` and `end` are the names under which its start and its end at SIGTERM are compared.
    """

    name: str
    cases: tuple[Case, ...] = ()
    start: str = "start"
    end: str = "end"
    handler: str = "app.handler"
    task: Path = DATA / "task"
    variables: Mapping[str, str] = field(default_factory=dict)
    init_status: int = 202
    next_status: int = 200
    refusals: int | None = None  # how many times /next gets this status; None for each time
    workers: int = 1  # the processes that wait for an event at the same time
    measured: bool = False  # by coverage, which is seen by whoever looks around


def observe(runtime: str, scene: Scene, system: FileSystem, scratch: Path) -> dict[str, Observation]:
    """Return what is seen of each case of the scene, by its name.

    A runtime that ends in the middle is started again for the cases that are left; one that does not start has none.
    """
    variables = {"_HANDLER": scene.handler, **scene.variables}
    if scene.workers > 1:
        variables["AWS_LAMBDA_MAX_CONCURRENCY"] = str(scene.workers)
    if runtime == OURS:
        variables["AWS_LAMBDA_EXEC_WRAPPER"] = str(system.layer / "streamify")
        if scene.measured:
            variables |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    places = {str(system.root): "", str(scene.task): "/var/task"}
    seen: dict[str, Observation] = {}
    left, started = list(scene.cases), True
    while started and (left or not seen):
        with (
            QueuedApi(init_status=scene.init_status, next_status=scene.next_status, refusals=scene.refusals) as api,
            running(system, api, scene.task, scratch / scene.name / f"{runtime}-{len(left)}", variables) as sandbox,
        ):
            watched = _Watched(api, sandbox, places)
            seen[scene.start] = watched.see(scene.workers)
            started = not watched.ended
            while left and not watched.ended:
                case = left.pop(0)
                for _ in range(case.copies):
                    api.hand_out(case.event())
                if case.awaited:
                    seen[case.name] = watched.see(case.copies)
            if not watched.ended:
                wait_until_idle(sandbox.process.pid)
                sandbox.signal(signal.SIGTERM)
                seen[scene.end] = watched.see()
            assert watched.ended, f"{runtime} does not end"
    return seen


class _Watched:
    """A process, and what has been seen of it."""

    def __init__(self, api: QueuedApi, sandbox: Sandbox, places: Mapping[str, str]) -> None:
        self._api = api
        self._sandbox = sandbox
        self._places = places
        self.ended = False

    def see(self, workers: int = 1) -> Observation:
        """Wait until so many workers wait for an event, or the process ends; return what it has done since."""
        seen = self._happens(workers)
        seen |= self._writes()
        for name in ("stdout", "stderr", "telemetry", "sockets"):
            seen[name] = _without_runtime(seen[name])
            for warning in _WARNING.finditer(seen[name]):
                seen["warning"] = warning[0]
            seen[name] = _WARNING.sub("WARNING", seen[name])
        if ended := [match[1] for match in _WORKER_ENDED.finditer(seen["stdout"])]:
            seen["ended workers"] = "\n".join(ended)
            seen["stdout"] = _WORKER_ENDED.sub("", seen["stdout"])
        if workers > 1:
            for name in ("stdout", "stderr"):
                seen[name] = "".join(sorted(seen[name].splitlines(keepends=True)))
        # A message that differs counts once, and not wherever it is repeated.
        message = seen.get("message", "")
        if len(message) > 8:
            for name in ("cause", "stdout", "telemetry", "sockets"):
                for text in (message, json.dumps(message)[1:-1]):
                    seen[name] = seen.get(name, ABSENT).replace(text, "MESSAGE")
        return seen

    def _happens(self, workers: int) -> Observation:
        seen: Observation = {}
        outcome: list[str] = []
        while not self.ended and outcome.count("next") < workers:
            happened = self._api.wait()
            if isinstance(happened, Post):
                outcome.append(happened.path.rpartition("/invocation/")[2].rpartition("/")[2])
                seen.update(_posted(happened, self._normal))
            else:
                self.ended = isinstance(happened, Ended)
                outcome.append(_end(happened) if isinstance(happened, Ended) else "next")
        if workers > 1:
            outcome.sort()
        seen["outcome"] = ", ".join(outcome)
        if self._api.refused:
            seen["refused"] = str(self._api.refused)
        return seen

    def _writes(self) -> Observation:
        def text(data: bytes) -> str:
            return self._normal(data.decode("utf-8", "backslashreplace"))

        seen = {name: text(self._sandbox.written(name)) for name in ("stdout", "stderr")}
        seen["telemetry"] = "\n".join(map(self._normal, _frames(self._sandbox.written("telemetry"))))
        sockets = self._sandbox.sockets.written() if self._sandbox.sockets else []
        seen["sockets"] = "".join(f"{part}\n--\n" for part in sorted(map(text, sockets)))
        return seen

    def _normal(self, text: str) -> str:
        """Return the text without what differs from one run to the next."""
        for place, name in self._places.items():
            text = text.replace(place, name)
        text = _TIME.sub(lambda match: re.sub(r"\d", "0", match[0]), text)
        return _NUMBERS.sub(lambda match: f"{match[1]}0", text)


# What goes before the report of a failed start, up to the end of the record, in either format.
_WARNING = re.compile(r"LAMBDA_WARNING: [^\n]*?(?=\n|\", \"logger\")")
# What only the layer says of its workers, in either format.
_WORKER_ENDED = re.compile(r"^[^\n]*(a worker process has ended with [^\n\"]*)[^\n]*\n", re.MULTILINE)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d{3})?")
# Addresses in memory and of the Runtime API, and the milliseconds that AWS's client writes.
_NUMBERS = re.compile(r"(\b0x|127\.0\.0\.1:|\[(?=\d{13}\]))[0-9a-f]+")


def _end(ended: Ended) -> str:
    return f"exit {ended.status}" if ended.status >= 0 else signal.Signals(-ended.status).name


def _posted(post: Post, normal: Callable[[str], str]) -> Observation:
    """Return what is seen of a response or of an error report."""
    prefix, cause_header = "lambda-runtime-", "lambda-runtime-function-xray-error-cause"
    headers = {
        name: value.encode("latin-1").decode("utf-8", "backslashreplace") for name, value in post.headers.items()
    }
    own = {name: value for name, value in headers.items() if name.startswith(prefix) and name != cause_header and value}
    seen = {
        "path": post.path,
        "content type": headers.get("content-type", ABSENT),
        "headers": json.dumps(own, sort_keys=True),
    }
    if headers.get(cause_header):
        seen["cause"] = _cause(json.loads(normal(headers[cause_header])))
    if not post.path.endswith("error"):
        return {**seen, "body": normal(post.body.decode("utf-8", "backslashreplace"))}
    encoding = next(name for name in ("ASCII", "UTF-8", "Latin-1") if _is_text(post.body, name))
    report = json.loads(normal(post.body.decode(encoding)))
    names = {"errorMessage": "message", "errorType": "type", "requestId": "request id", "stackTrace": "stack trace"}
    seen["body"] = f"{', '.join(report)}; {encoding}"
    report["stackTrace"] = _one_of_runtime(report["stackTrace"])
    return seen | {names.get(name, name): _text(value) for name, value in report.items()}


def _is_text(data: bytes, encoding: str) -> bool:
    with suppress(UnicodeDecodeError):
        data.decode(encoding)
        return True
    return False


def _cause(cause: Any) -> str:
    """Return X-Ray's form of an error."""
    for exception in cause["exceptions"]:
        frames = (f'File "{frame["path"]}", line {frame["line"]}, in {frame["label"]}' for frame in exception["stack"])
        exception["stack"] = _one_of_runtime(list(frames))
    # AWS's client makes the list of a set.
    cause["paths"] = sorted({"(the runtime)" if path.startswith(_PLACES) else path for path in cause["paths"]})
    return json.dumps(cause, indent=1)


def _text(value: object) -> str:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else json.dumps(value, indent=1)


def _frames(data: bytes) -> Iterator[str]:
    """Yield type and message of the frames that were written to the telemetry's descriptor."""
    while data:
        kind, length, _microseconds = struct.unpack(">IIQ", data[:16])
        yield f"{kind:08x} {data[16 : 16 + length].decode()}"
        data = data[16 + length :]


# The files of the two runtimes have names, lines and depths of their own. That they are in a stack trace, and where, is
# compared: a run of frames in them counts as one.

_PLACES = ("/opt/", "/var/runtime/")
_THE_RUNTIME = "(the runtime)"
_FRAME = re.compile(r'[ \u00a0|]*File "(.*?)", line ')
_INDENT = re.compile(r"[ \u00a0|+]*")


def _one_of_runtime(frames: list[str]) -> list[str]:
    """Return the frames of a stack trace."""
    named = [_THE_RUNTIME if _is_runtime(frame) else frame for frame in frames]
    return [frame for before, frame in zip(["", *named], named, strict=False) if (before, frame) != (_THE_RUNTIME,) * 2]


def _is_runtime(frame: str) -> bool:
    match = _FRAME.match(frame)
    return match is not None and match[1].startswith(_PLACES)


def _without_runtime(text: str) -> str:
    """Return the text of a log."""
    parts = re.split(r"([\r\n])", text)  # lines at even places, their ends at odd ones
    kept: list[str] = []
    depth = -1  # of the frame that is being left out
    for line, end in zip(parts[::2], [*parts[1::2], ""], strict=True):
        indent = len(_INDENT.match(line)[0])  # type: ignore[index]  # it matches everything
        if indent > depth >= 0:
            continue
        if _is_runtime(line):
            if depth < 0:
                kept.append(line[:indent] + _THE_RUNTIME + end)
            depth = indent
        else:
            depth = -1
            kept.append(_json_without_runtime(line) + end)
    return "".join(kept)


def _json_without_runtime(line: str) -> str:
    """Return a line of a log; one in JSON may hold a stack trace."""
    kind, brace, fields = line.partition("{")
    if not brace or '"stackTrace": [' not in fields:
        return line
    record = json.loads(brace + fields)
    return kind + json.dumps({**record, "stackTrace": _one_of_runtime(record["stackTrace"])}, ensure_ascii=False)


# --- differences -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """What AWS's runtime and ours do in one case, seen under one aspect."""

    scene: str
    case: str
    aspect: str
    aws: str
    ours: str

    def __str__(self) -> str:
        return f"{self.scene} | {self.case} | {self.aspect}\n    AWS  {self.aws!r:.1500}\n    ours {self.ours!r:.1500}"


def differences(
    scene: str, aws: Mapping[str, Observation], ours: Mapping[str, Observation], case: str
) -> list[Difference]:
    """Return the differences in one case. If its outcome differs, all the others follow from that."""
    one, other = (seen.get(case, {"outcome": "not run"}) for seen in (aws, ours))
    if one["outcome"] != other["outcome"]:
        return [Difference(scene, case, "outcome", *map(_all_aspects, (one, other)))]
    aspects = (*one, *(aspect for aspect in other if aspect not in one))
    pairs = {aspect: (one.get(aspect, ABSENT), other.get(aspect, ABSENT)) for aspect in aspects}
    return [Difference(scene, case, aspect, *pair) for aspect, pair in pairs.items() if pair[0] != pair[1]]


def _all_aspects(seen: Observation) -> str:
    first = "outcome", "body", "type", "message", "stdout", "stderr", "telemetry"
    return "\n".join(f"{aspect}: {seen[aspect]}" for aspect in first if seen.get(aspect))


@dataclass(frozen=True)
class Listed:
    """A row of the table of meant differences."""

    cases: tuple[str, ...]
    aspects: tuple[str, ...]
    aws: tuple[str, ...]
    ours: tuple[str, ...]

    def covers(self, difference: Difference) -> bool:
        """Whether the row is about this difference."""
        return difference.aspect in self.aspects and any(fnmatchcase(difference.case, case) for case in self.cases)

    def faults(self, found: list[Difference]) -> list[str]:
        """Return what the row says that is not so."""
        covered = [difference for difference in found if self.covers(difference)]
        faults = [
            f"{case} no longer differs in {aspect}"
            for case in self.cases
            for aspect in self.aspects
            if not any(one.aspect == aspect and fnmatchcase(one.case, case) for one in covered)
        ]
        for whose, texts, actual in (
            ("AWS's runtime", self.aws, [one.aws for one in covered]),
            ("ours", self.ours, [one.ours for one in covered]),
        ):
            faults += [f"{whose} does not say {text!r}" for text in texts if not any(text in one for one in actual)]
        return [f"{', '.join(self.cases)}: {fault}" for fault in faults]


_HEADER = "| case | compared | AWS's | ours | reason |"
_CELL_END = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"`([^`]+)`")


def listed_differences(heading: str = "# Parity") -> list[Listed]:
    """Return the rows of the first table below `heading` in docs/reference/parity.md."""
    section = TABLE.read_text(encoding="utf-8").partition(f"{heading}\n")[2]
    _, header, table = section.partition(_HEADER)
    assert header, f"{TABLE.name} has no table below {heading} that begins with {_HEADER}"
    rows = []
    for line in table.split("\n\n")[0].splitlines()[2:]:
        cases, aspects, aws, ours, reason = (
            cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line.strip())[1:-1]
        )
        assert reason, f"no reason is given for {line}"
        rows.append(
            Listed(
                tuple(_CODE.findall(cases)),
                tuple(map(str.strip, aspects.split(","))),
                tuple(_CODE.findall(aws)),
                tuple(_CODE.findall(ours)),
            )
        )
    return rows
