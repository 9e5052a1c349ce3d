import sys
from pathlib import Path

import lambda_streamify
from processes import clean_environment, run
from scripted_api import ACCEPTED, ScriptedApi, answers, invocation, reply
from sent import parse

LAYER = Path(lambda_streamify.__file__).parents[1]
APP = "def handler(event, context):\n    return {'got': event}\n"


def answer(api: ScriptedApi, folder: Path, *arguments: str, **variables: str) -> object:
    """Return what the handler's image answers; the Runtime API then ends it."""
    (folder / "image_app.py").write_text(APP)
    environment = clean_environment(AWS_LAMBDA_RUNTIME_API=api.address, PYTHONPATH=str(LAYER), **variables)
    run(sys.executable, "-m", "lambda_streamify", *arguments, cwd=folder, env=environment, status=1)
    return parse(api.requests[1]).json


def one_invocation() -> ScriptedApi:
    return ScriptedApi(answers(invocation("event"), ACCEPTED, reply(500)))


def test_an_images_entry_point_takes_the_handler_as_its_argument(tmp_path: Path) -> None:
    with one_invocation() as api:
        assert answer(api, tmp_path, "image_app.handler", _HANDLER="other.handler") == {"got": "event"}


def test_without_an_argument_it_takes_the_setting(tmp_path: Path) -> None:
    with one_invocation() as api:
        assert answer(api, tmp_path, _HANDLER="image_app.handler") == {"got": "event"}
