from collections.abc import Callable, Iterable
from pathlib import Path

from lambda_streamify_emulator.errors import InterpreterError
from lambda_streamify_emulator.precompiling.build import Package
from lambda_streamify_emulator.precompiling.plan import Job, MissingPython, only, plan

FUNCTION = Package(("Hello",), Path("/build/Hello"), ("python3.12",))
LAYER = Package(("Shared",), Path("/build/Shared"), ("python3.12", "python3.13"), is_layer=True)


def locate(runtime: str) -> tuple[str, str]:
    if runtime == "python3.9":
        raise InterpreterError("there is no Python runtime 'python3.9'")
    return f"/bin/{runtime}", runtime


def named(*names: str) -> Callable[[Path], Iterable[Path]]:
    return lambda folder: [folder / name for name in names]


def test_each_python_that_runs_a_package_compiles_it() -> None:
    jobs = [*plan([FUNCTION, LAYER], locate, named("app.py"))]

    assert [(job.package.name, job.runtime, job.python, job.modules) for job in jobs if isinstance(job, Job)] == [
        ("Hello", "python3.12", "/bin/python3.12", (Path("/build/Hello/app.py"),)),
        ("Shared", "python3.12", "/bin/python3.12", (Path("/build/Shared/python/app.py"),)),
        ("Shared", "python3.13", "/bin/python3.13", (Path("/build/Shared/python/app.py"),)),
    ]


def test_modules_are_shown_where_they_are_on_aws() -> None:
    function, layer, _ = plan([FUNCTION, LAYER], locate, named("package/app.py"))

    assert isinstance(function, Job)
    assert isinstance(layer, Job)
    assert function.shown(function.modules[0]) == "/var/task/package/app.py"
    assert layer.shown(layer.modules[0]) == "/opt/python/package/app.py"


def test_what_a_layer_has_for_one_python_is_not_compiled_by_another() -> None:
    names = ("all.py", "lib/python3.12/site-packages/one.py", "lib/python3.13/site-packages/two.py", "lib/three.py")

    jobs = [job for job in plan([LAYER], locate, named(*names)) if isinstance(job, Job)]
    found = {job.runtime: [path.stem for path in job.modules] for job in jobs}

    assert found == {"python3.12": ["all", "one", "three"], "python3.13": ["all", "two", "three"]}


def test_without_its_python_a_package_is_left_alone() -> None:
    old = Package(("Old",), Path("/build/Old"), ("python3.9",))

    found = [*plan([FUNCTION, old], lambda runtime: ("/bin/python3.11", locate(runtime)[1][:-1] + "1"), named())]

    assert found == [
        MissingPython(FUNCTION, "python3.12", "no python3.12 on this machine"),
        MissingPython(old, "python3.9", "there is no Python runtime 'python3.9'"),
    ]


def test_a_job_can_be_for_some_of_its_modules() -> None:
    job = Job(FUNCTION, "python3.12", "python", (Path("/one.py"), Path("/two.py")))

    assert only(job, {Path("/two.py"), Path("/three.py")}).modules == (Path("/two.py"),)
