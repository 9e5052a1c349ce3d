"""What works without Powertools: the import names the missing package, and StreamingResponse is not written as JSON.

tests/ecosystem/test_powertools_streaming_response.py tests the rest.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lambda_streamify
from lambda_streamify import StreamingResponse
from processes import clean_environment, run

SOURCE = Path(lambda_streamify.__file__).parent.parent


def test_without_powertools_the_import_says_what_to_install() -> None:
    program = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); import lambda_streamify.powertools"

    failed = subprocess.run(
        [sys.executable, "-ISBc", program], capture_output=True, text=True, check=False, env=clean_environment()
    )

    last = failed.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: lambda_streamify.powertools needs Powertools for AWS Lambda")
    assert last.endswith("`pip install aws-lambda-powertools`")


def test_a_package_that_powertools_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "aws_lambda_powertools").mkdir()
    (tmp_path / "aws_lambda_powertools" / "__init__.py").touch()
    (tmp_path / "aws_lambda_powertools" / "event_handler.py").write_text("import absent_dependency\n")
    program = (
        f"import sys; sys.path[:0] = [{str(SOURCE)!r}, {str(tmp_path)!r}]\n"
        "try:\n    import lambda_streamify.powertools\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )

    assert run(sys.executable, "-ISBc", program, env=clean_environment()) == "No module named 'absent_dependency'\n"


def test_dir_of_the_package_does_not_contain_it() -> None:
    assert "powertools" not in dir(lambda_streamify)


# --- the layer's own response in a route -----------------------------------------------------------------------------


def as_a_model(response: Any) -> object:
    """As Powertools' encoder does."""
    return getattr(response, "json", False)


def by_its_attributes(response: Any) -> object:
    """As encoders do with an unknown object."""
    return json.dumps(response, default=vars)


def item_by_item(response: Any) -> object:
    """As Powertools' validation does."""
    return [dict(value.items()) if isinstance(value, dict) else list(value) for value in vars(response).values()]


@pytest.mark.parametrize("encode", [as_a_model, by_its_attributes, item_by_item])
def test_it_cannot_be_written_as_json_and_its_body_is_not_read(encode: Callable[[Any], object]) -> None:
    read: list[str] = []

    def body() -> Iterator[str]:
        read.append("a chunk")
        yield "one"

    with pytest.raises(TypeError, match=r"from lambda_streamify\.powertools import StreamingResponse"):
        encode(StreamingResponse(body()))
    assert read == []
