"""functions/export under the emulator, with moto in place of DynamoDB, behind a door that the test opens."""

import json
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from documents import blocks
from emulator_process import EmulatorProcess
from held_service import HeldService, holding
from lambda_streamify.testing import collect
from processes import ROOT
from request_events import event
from sample_services import Context, answered, client, load_sample, moto_serving, recorded, sample_emulator
from url_client import request, wire

# Bytes of a page, which is 1 MB in DynamoDB. Two items of the tests fit, and no third one.
PAGE = 110
LOGBOOK = [
    {"pk": {"S": "1888-11-21"}, "sk": {"S": "20:00"}, "wind": {"N": "7.5"}, "sail": {"S": "three masts, for Rio"}},
    {"pk": {"S": "1888-11-21"}, "sk": {"S": "23:10"}, "fog": {"BOOL": True}, "oil": {"N": "12"}},
    {"pk": {"S": "1888-11-22"}, "sk": {"S": "04:30"}, "rocks": {"NULL": True}, "by": {"S": "Marta\u2028at the lamp"}},
    {"pk": {"S": "1888-11-22"}, "sk": {"S": "06:55"}, "dawn": {"BOOL": True}, "gulls": {"N": "12345678901234567890"}},
]


# --- the table and the function --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as monkeypatch, moto_serving() as address:
        monkeypatch.setattr("moto.dynamodb.models.table.RESULT_SIZE_LIMIT", PAGE)
        yield address


@pytest.fixture(scope="module")
def door(dynamodb: str) -> Iterator[HeldService]:
    with holding(dynamodb) as door:
        yield door


@pytest.fixture(scope="module")
def emulator(door: HeldService, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    functions = {"ExportFunction": {"AWS_ENDPOINT_URL": door.address, "TABLE": "logbook"}}
    with sample_emulator(tmp_path_factory.mktemp("export"), cache, functions=functions) as emulator:
        yield emulator


@pytest.fixture
def table(dynamodb: str) -> Iterator[Any]:
    """The template's table, empty."""
    definition = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["ExportTable"]["Properties"]
    with closing(client("dynamodb", dynamodb)) as sdk:
        sdk.create_table(TableName="logbook", **definition)

        def put(*items: dict[str, Any]) -> None:
            for item in items:
                sdk.put_item(TableName="logbook", Item=item)

        yield put
        sdk.delete_table(TableName="logbook")


@pytest.fixture
def export(dynamodb: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The sample's module, in this process."""
    module = load_sample("export", monkeypatch, AWS_ENDPOINT_URL=dynamodb, TABLE="logbook")
    with closing(module.dynamodb):
        yield module


def item(pk: str, sk: int) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": str(sk)}, "text": {"S": "x" * 30}}


def asked(**query: str) -> Any:
    return {**event("export"), "queryStringParameters": query}


def keys(lines: list[str]) -> list[str]:
    """The sort keys of the items, and the names of the other lines."""
    parsed = map(json.loads, lines)
    return [line["item"]["sk"] if "item" in line else next(iter(line)) for line in parsed]


# --- what it answers -------------------------------------------------------------------------------------------------


def test_a_page_leaves_before_the_next_one_is_read(table: Any, emulator: EmulatorProcess, door: HeldService) -> None:
    table(*(item("a", number) for number in range(4)))

    with wire(emulator.urls["export"], "/") as stream:
        door.release()
        head = stream.read_until(b"\r\n\r\n")
        assert b"content-type: application/x-ndjson\r\n" in head
        stream.read_until(b'"sk":"0"')
        stream.read_until(b'"sk":"1"')
        stream.read_until(b'{"cursor":"')
        door.release()
        stream.read_until(b'"sk":"2"')
        stream.read_until(b'"sk":"3"')
        stream.read_until(b'{"end":true}\n\r\n0\r\n\r\n')


def test_a_cursor_goes_on_where_it_stands(table: Any, export: Any) -> None:
    table(*(item("a", number) for number in range(4)))
    whole = collect(export.lambda_handler(event("export"), Context())).text.splitlines()
    assert keys(whole) == ["0", "1", "cursor", "2", "3", "end"]

    rest = collect(export.lambda_handler(asked(cursor=json.loads(whole[2])["cursor"]), Context()))

    assert rest.text.splitlines() == whole[3:]


@pytest.mark.parametrize("reason", ["the time is over", "the response is long"])
def test_an_export_that_has_to_stop_ends_with_a_cursor(
    reason: str, table: Any, export: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(*(item("a", number) for number in range(4)))
    context = Context()
    if reason == "the time is over":
        context.seconds = 59
    else:
        monkeypatch.setattr(export, "PAGES", 1)

    lines = collect(export.lambda_handler(event("export"), context)).text.splitlines()

    assert keys(lines) == ["0", "1", "cursor"]


def test_the_client_of_the_examples_goes_on_until_it_has_all(
    table: Any, emulator: EmulatorProcess, door: HeldService
) -> None:
    *_, code = blocks(ROOT / "docs" / "guides" / "examples.md", "py")
    page: dict[str, Any] = {}
    exec(compile(code, "examples.md", "exec"), page)  # noqa: S102
    pages = 61  # one more than a response has place for
    numbers = range(2 * pages - 1)
    table(*(item("a", 100 + number) for number in numbers))
    for _ in range(pages):
        door.release()

    items = list(page["exported"](emulator.urls["export"]))

    assert [item["sk"] for item in items] == [str(100 + number) for number in numbers]


def test_a_partition_is_exported_alone(table: Any, export: Any) -> None:
    table(item("a", 0), item("b", 1), item("a", 2), item("a", 3))

    lines = collect(export.lambda_handler(asked(pk="a"), Context())).text.splitlines()
    assert keys(lines) == ["0", "2", "cursor", "3", "end"]

    rest = collect(export.lambda_handler(asked(pk="a", cursor=json.loads(lines[2])["cursor"]), Context()))
    assert rest.text.splitlines() == lines[3:]


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("0", "0"),
        ("-7", "-7"),
        ("3.20", "3.2"),
        ("9007199254740991", "9007199254740991"),
        ("9007199254740993", '"9007199254740993"'),  # a double would be 9007199254740992
        ("0.1234567890123456789", '"0.1234567890123456789"'),
        ("12345678901234567890123456789012345678", '"12345678901234567890123456789012345678"'),
        ("1E+125", "1e+125"),
        ("-1E-130", "-1e-130"),
    ],
)
def test_no_digit_of_a_number_is_lost(number: str, written: str, export: Any) -> None:
    (line,) = collect(export.ndjson.lines([Decimal(number)], default=export.plain)).text.splitlines()

    assert line == written
    read = json.loads(line)
    assert Decimal(read if isinstance(read, str) else repr(read)) == Decimal(number)


def test_what_json_has_no_form_for_has_one(table: Any, export: Any) -> None:
    types = {
        "bytes": {"B": b"\xff\x00"},
        "numbers": {"NS": ["2.5"]},
        "texts": {"SS": ["a"]},
        "blobs": {"BS": [b"\xff"]},
        "map": {"M": {"list": {"L": [{"N": "1"}, {"NULL": True}]}}},
    }
    table({"pk": {"S": "a"}, "sk": {"S": "0"}, **types})

    (line, _) = collect(export.lambda_handler(event("export"), Context())).text.splitlines()

    assert json.loads(line)["item"] == {
        "pk": "a",
        "sk": "0",
        "bytes": "/wA=",
        "numbers": [2.5],
        "texts": ["a"],
        "blobs": ["/w=="],
        "map": {"list": [1, None]},
    }


@pytest.mark.parametrize("cursor", ["", "%", "abc", "W10=", "ew=="])  # in base64: [] and {
def test_what_is_no_cursor_is_refused(cursor: str, export: Any) -> None:
    response = collect(export.lambda_handler(asked(cursor=cursor), Context()))

    assert response.status_code == 400
    assert response.json() == {"message": "the cursor is none that was given out here"}


def test_an_error_is_the_last_line(emulator: EmulatorProcess, door: HeldService) -> None:
    door.release()

    with emulator.logged("Function.ResourceNotFoundException", "Requested resource not found"):
        reply = request(emulator.urls["export"])  # there is no table

    assert (reply.status, reply.body) == (200, b'{"error":"ResourceNotFoundException"}\n')


def test_the_recording_is_what_it_answers(table: Any, emulator: EmulatorProcess, door: HeldService) -> None:
    table(*LOGBOOK)
    for _ in range(2):
        door.release()

    assert answered(emulator, "export") == recorded("export")
