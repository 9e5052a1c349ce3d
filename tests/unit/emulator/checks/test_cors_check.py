from pathlib import Path

import pytest

from checked_template import MODE, check, the_one, with_change

ALL = "AllowOrigins: ['*'], AllowMethods: ['*'], AllowHeaders: ['*']"


def with_cors(cors: str, *changes: tuple[str, str]) -> str:
    return with_change((MODE, f"{MODE}        Cors: {{{cors}}}\n"), *changes)


@pytest.mark.parametrize(
    ("cors", "fix"),
    [
        ("AllowOrigins: ['*'], AllowMethods: [POST]", "AllowHeaders: [content-type]"),
        ("AllowOrigins: ['*'], AllowMethods: [POST], AllowHeaders: [x-mine]", "AllowHeaders: [content-type]"),
        ("AllowOrigins: ['*'], AllowMethods: [GET], AllowHeaders: [Content-Type]", "AllowMethods: [POST]"),
        ("AllowMethods: ['*'], AllowHeaders: ['*']", "AllowOrigins: [https://your.site]"),
        (
            "AllowOrigins: [a], AllowCredentials: true, AllowMethods: [POST], AllowHeaders: ['*']",
            "AllowHeaders: [content-type]",
        ),
    ],
)
def test_cors_that_do_not_let_a_page_post_json(tmp_path: Path, cors: str, fix: str) -> None:
    found = the_one(tmp_path, with_cors(cors), rule="cors-json-post", at="Cors")

    assert (found.severity, found.fix) == ("warning", fix)


@pytest.mark.parametrize(
    "cors",
    [
        ALL,
        "AllowOrigins: [a], AllowMethods: [POST], AllowHeaders: [content-type]",
        "AllowOrigins: [a], AllowCredentials: true, AllowMethods: [POST], AllowHeaders: [Content-Type]",
        "AllowOrigins: !GetAtt A.B, AllowMethods: [!GetAtt A.B], AllowHeaders: ['*']",
    ],
)
def test_cors_that_do(tmp_path: Path, cors: str) -> None:
    assert check(tmp_path, with_cors(cors)) == []


@pytest.mark.parametrize(
    "code",
    [
        '\nHEADERS = {"Access-Control-Allow-Origin": "*"}\n',
        "\napp.add_middleware(CORSMiddleware, allow_origins=['*'])\n",
        "\nfrom flask_cors import CORS\n",
    ],
)
def test_cors_of_the_url_and_of_the_code(tmp_path: Path, code: str) -> None:
    found = the_one(tmp_path, with_cors(ALL), code, rule="cors-twice", at="Cors")

    assert found.severity == "warning"
    assert "app.py:2" in found.problem


def test_the_code_may_set_them_alone(tmp_path: Path) -> None:
    assert check(tmp_path, with_change(), 'HEADERS = {"Access-Control-Allow-Origin": "*"}') == []


def test_a_comment_sets_no_header(tmp_path: Path) -> None:
    assert check(tmp_path, with_cors(ALL), "# No Access-Control-Allow-Origin here: the URL sets it.") == []
