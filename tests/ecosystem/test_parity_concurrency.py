"""The built layer and AWS's own client with several workers, as on managed instances, compared as in test_parity.py.

What is meant to differ in this mode alone stands in the second table of docs/reference/parity.md.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from parity import (
    DATA,
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

WORKERS = 2
# From 3.12 on AWS's client asks for events in a thread, and only there does it ask again. Managed instances begin at
# Python 3.13 (AWS Lambda Developer Guide).
PYTHON_3_13 = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"}
SOCKET = {"_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET": ""}  # filled in when it is known
TELEMETRY = {"_LAMBDA_TELEMETRY_LOG_FD": ""}
JSON_LOGS = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}
MANAGED = SOCKET | JSON_LOGS

TASK = DATA / "task"
RESULTS, FAILURES, ENDINGS, LOGS = (
    tuple(map(dispatched, names_in(TASK / f"{module}.py"))) for module in ("results", "failures", "endings", "logs")
)
# Here AWS's client ends its worker, which test_parity.py compares.
FATAL = {
    *("results.lone_surrogate", "results.lone_surrogate_as_a_key", "failures.raises_with_a_lone_surrogate"),
    *("failures.raises_what_has_no_text", "failures.raises_what_has_other_than_text"),
}
ANSWERED = tuple(case for case in (*RESULTS, *FAILURES, *LOGS) if case.name not in FATAL)
WRITTEN = tuple(case for case in ANSWERED if not case.name.startswith("results."))


def answering() -> Iterator[Scene]:
    yield Scene("several", ANSWERED, variables=MANAGED, measured=True)
    yield Scene("several, text", WRITTEN, variables=SOCKET)
    yield Scene("several without a socket", WRITTEN, variables=JSON_LOGS)
    yield Scene("several with telemetry", LOGS, variables=JSON_LOGS | TELEMETRY)
    for level in ("TRACE", "debug", "INFO", "NOTSET", "nonsense"):
        for name, variables in (("text", {}), ("JSON", JSON_LOGS), ("JSON, telemetry", JSON_LOGS | TELEMETRY)):
            yield Scene(f"several, {name} of level {level}", variables=variables | {"AWS_LAMBDA_LOG_LEVEL": level})


def ending() -> Iterator[Scene]:
    """Yield scenes in which both workers end, and some in which one goes on without the other."""
    for case in ENDINGS:
        yield Scene(f"both, {case.name}", (replace(case, copies=WORKERS),), variables=MANAGED)
    for name in ("endings.exits", "endings.is_killed"):
        left = tuple(Case(f"several.left_{number}", dispatched("results.object").body) for number in range(3))
        yield Scene(f"one, {name}", (replace(dispatched(name), awaited=False), *left), variables=MANAGED)


def starting() -> Iterator[Scene]:
    for name in sorted(path.stem for path in (DATA / "starts").glob("*.py")):
        title = f"starts.{name}"
        snapshot = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"} if "snapshot" in name or "restore" in name else {}
        yield Scene(
            f"several, {title}",
            (Case(f"calls.{name}"), Case(f"calls.{name}.again")),
            start=title,
            end=f"ends.{name}",
            handler=f"{name}.handler",
            task=DATA / "starts",
            variables=MANAGED | snapshot,
        )


def refused() -> Iterator[Scene]:
    for status in (400, 403, 410, 413, 500):
        yield Scene(
            f"several, refused {status}",
            (
                Case(f"several.response_{status}", dispatched("results.object").body, status=status),
                Case(f"several.after_response_{status}", dispatched("results.object").body),
                Case(f"several.error_{status}", dispatched("failures.raises").body, status=status),
                Case(f"several.after_error_{status}", dispatched("results.object").body),
            ),
            variables=MANAGED,
        )
        name = f"several.start_refused_{status}"
        yield Scene(name, start=name, handler="absent.handler", init_status=status, variables=MANAGED)
    for name, status, refusals in (
        ("several.next_refused", 500, None),  # not only once: AWS's client crashes, and its other worker goes on
        ("several.next_hangs_up", 0, None),
        ("several.next_hangs_up_once", 0, 1),
    ):
        cases = (dispatched("results.object"),) if refusals else ()
        level = {"AWS_LAMBDA_LOG_LEVEL": "INFO"}
        yield Scene(name, cases, start=name, next_status=status, refusals=refusals, variables=MANAGED | level)


def _several(scene: Scene) -> Scene:
    return replace(scene, workers=WORKERS, variables=PYTHON_3_13 | dict(scene.variables))


SCENES = {scene.name: _several(scene) for scene in (*answering(), *ending(), *starting(), *refused())}
ALSO_LISTED = listed_differences()
LISTED = listed_differences("## Several invocations at a time")

Results = dict[str, "list[Future[dict[str, Observation]]]"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    scratch = tmp_path_factory.mktemp("parity")
    system: FileSystem = make_file_system(scratch / "root", installed_packages())
    with ThreadPoolExecutor(3) as pool:
        yield {
            name: [pool.submit(observe, runtime, scene, system, scratch / "scenes") for runtime in RUNTIMES]
            for name, scene in SCENES.items()
        }
        pool.shutdown(cancel_futures=True)


def found_in(results: Results, scene: str) -> list[Difference]:
    aws, ours = (future.result() for future in results[scene])
    return [one for case in dict.fromkeys((*aws, *ours)) for one in differences(scene, aws, ours, case)]


@pytest.mark.parametrize("scene", SCENES)
def test_both_runtimes_do_the_same_but_for_what_is_listed(results: Results, scene: str) -> None:
    unlisted = [one for one in found_in(results, scene) if not any(row.covers(one) for row in (*ALSO_LISTED, *LISTED))]

    assert not unlisted, "not in docs/reference/parity.md:\n" + "\n".join(map(str, unlisted))


def test_every_difference_that_is_listed_for_several_is_there(results: Results) -> None:
    found = [one for scene in SCENES for one in found_in(results, scene)]
    faults = [fault for row in LISTED for fault in row.faults(found)]

    assert not faults, "\n".join(faults)
