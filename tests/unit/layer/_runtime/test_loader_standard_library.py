import sys
from pathlib import Path

import pytest

import lambda_streamify
from lambda_streamify._runtime.loader import STANDARD_LIBRARY, StandardLibraryFirst
from processes import clean_environment, run
from scripted_api import ACCEPTED, ScriptedApi, answers, invocation, reply
from sent import parse

PACKAGE = Path(lambda_streamify.__file__).parent


def test_a_listed_name_is_found_only_in_the_standard_library(tmp_path: Path) -> None:
    (tmp_path / "token.py").write_text("")
    (tmp_path / "other.py").write_text("")
    finder = StandardLibraryFirst([str(tmp_path)])

    spec = finder.find_spec("token")

    assert spec is not None
    assert spec.origin == str(tmp_path / "token.py")
    assert finder.find_spec("other") is None
    assert finder.find_spec("decimal") is None


def test_all_names_are_of_the_standard_library() -> None:
    assert sys.stdlib_module_names >= STANDARD_LIBRARY


@pytest.mark.parametrize("failing", [False, True])
def test_no_file_of_the_function_replaces_a_module_that_the_runtime_needs(tmp_path: Path, *, failing: bool) -> None:
    root, task = tmp_path / "opt", tmp_path / "task"
    (root / "python").mkdir(parents=True)
    (root / "python" / "lambda_streamify").symlink_to(PACKAGE)
    (root / "streamify-main.py").write_bytes((PACKAGE / "streamify-main.py").read_bytes())
    task.mkdir()
    for name in STANDARD_LIBRARY - {"encodings"}:
        (task / f"{name}.py").write_text("raise RuntimeError('the wrong one')")
    (task / "namesakes_app.py").write_text(
        "import logging, traceback\n"
        "async def handler(event, context):\n"
        "    logging.warning('text')\n"
        "    if event: raise ValueError('why')\n"
        "    return 'result'\n"
    )

    with ScriptedApi(answers(invocation(failing), ACCEPTED, reply(500))) as api:
        run(
            sys.executable,
            root / "streamify-main.py",
            cwd=task,
            env=clean_environment(
                AWS_LAMBDA_RUNTIME_API=api.address, LAMBDA_TASK_ROOT=str(task), _HANDLER="namesakes_app.handler"
            ),
            status=1,
        )

    answer = parse(api.requests[1]).json
    assert (answer["errorMessage"] if failing else answer) == ("why" if failing else "result")
