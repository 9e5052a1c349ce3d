"""The handler of docs/guides/migrate/aws.md, and what the page says of the notice in the log."""

from typing import Any

from documents import blocks
from lambda_streamify import testing
from lambda_streamify._runtime.native_streaming import _LAST_WITHOUT
from processes import ROOT

PAGE = ROOT / "docs" / "guides" / "migrate" / "aws.md"
FUNCTION_URL = {"rawPath": "/x", "requestContext": {"domainName": "a.lambda-url.us-east-1.on.aws", "http": {}}}


def test_the_handler_answers() -> None:
    (code,) = blocks(PAGE, "py")
    module: dict[str, Any] = {}
    exec(code, module)  # noqa: S102 - the page's own code

    response = testing.call(module["lambda_handler"], FUNCTION_URL)

    assert response.status_code == 200
    assert response.body == b"You asked for /x"


def test_the_page_names_the_last_version_that_is_known_not_to_stream() -> None:
    version = ".".join(map(str, _LAST_WITHOUT))
    assert f"As long as the version is {version} or older" in " ".join(PAGE.read_text().split())
