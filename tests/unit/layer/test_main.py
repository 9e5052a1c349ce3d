import sys
from pathlib import Path

import lambda_streamify
from processes import clean_environment, run
from scripted_api import ACCEPTED, ScriptedApi, answers, invocation, reply
from sent import parse

LAYER = Path(lambda_streamify.__file__).parents[1]
APP = "def handler(event, context):\n    return {'got': event}\n"


def answer(api: ScriptedApi, folder: Path, *arguments: str, app: str = APP, **variables: str) -> object:
    """Return what the image's handler answers. The Runtime API then ends the process."""
    (folder / "image_app.py").write_text(app)
    environment = clean_environment(AWS_LAMBDA_RUNTIME_API=api.address, PYTHONPATH=str(LAYER), **variables)
    run(sys.executable, "-m", "lambda_streamify", *arguments, cwd=folder, env=environment, status=1)
    return parse(api.requests[1]).json


def one_invocation() -> ScriptedApi:
    return ScriptedApi(answers(invocation("event"), ACCEPTED, reply(500)))


def test_an_images_entry_point_takes_the_handler_as_its_argument(tmp_path: Path) -> None:
    with one_invocation() as api:
        assert answer(api, tmp_path, "image_app.handler", _HANDLER="other.handler") == {"got": "event"}


def test_without_an_argument_the_variable_names_the_handler(tmp_path: Path) -> None:
    with one_invocation() as api:
        assert answer(api, tmp_path, _HANDLER="image_app.handler") == {"got": "event"}


def test_packages_beside_awss_own_runtime_are_found_last(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "beside_the_runtime.py").write_text("NAME = 'of the runtime'\n")
    (runtime / "brought_along.py").write_text("NAME = 'of the runtime'\n")
    (tmp_path / "brought_along.py").write_text("NAME = 'of the function'\n")
    imports = "import beside_the_runtime, brought_along\n"
    app = f"{imports}def handler(event, context):\n    return [beside_the_runtime.NAME, brought_along.NAME]\n"

    with one_invocation() as api:
        answered = answer(api, tmp_path, "image_app.handler", app=app, LAMBDA_RUNTIME_DIR=str(runtime))

    assert answered == ["of the runtime", "of the function"]
