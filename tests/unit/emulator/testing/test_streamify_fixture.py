import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate import Gate
from lambda_streamify_emulator.testing.emulator import TemplateEmulator
from lambda_streamify_emulator.testing.fixture import Streamify
from processes import ROOT

PROJECT = ROOT / "tests" / "data" / "pytest_project"
RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
WORDS = ["Once", "upon", "a", "time"]
URL_EVENT = {"requestContext": {"domainName": "abc.lambda-url.us-east-1.on.aws", "http": {"method": "GET"}}}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemplateEmulator]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMIFY_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        emulator = TemplateEmulator(PROJECT / "template.yaml", {"PythonRuntime": RUNTIME})
        emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def functions(emulator: TemplateEmulator) -> Iterator[Streamify]:
    functions = Streamify(emulator)
    yield functions
    functions.close()


def test_a_url_and_the_lambda_api_give_the_chunks_of_the_handler(functions: Streamify) -> None:
    results = [functions.get("story"), functions.invoke("story"), functions.invoke("story", URL_EVENT)]

    for result in results:
        result.assert_streamed()
        assert result.framing == "runtime"
        assert [event.json()["word"] for event in result.server_sent_events()] == WORDS
        assert len(result.chunks) == 4
    assert [result.status_code for result in results] == [200] * 3
    assert [len(result.headers) > 0 for result in results] == [True, False, True]
    assert results[0].cookies == results[2].cookies == ["seen=1; Path=/"]


def test_a_chunk_is_delivered_while_the_function_holds_the_next(functions: Streamify, gate: Gate) -> None:
    host, _, port = gate.address.rpartition(":")
    with functions.open("gated", event={"host": host, "port": int(port)}) as stream:
        for word in WORDS:
            assert next(stream) == f"{word} ".encode()
            gate.open_for_waiting()
        assert stream.read() == b""


def test_requests_to_a_url_with_aws_iam_are_signed(functions: Streamify) -> None:
    for path in ("/", "/a%2Fb/../c?d=e:f&d=%20&g"):
        result = functions.post("signed", path, json={})
        result.assert_streamed()
        assert [event.json()["word"] for event in result.server_sent_events()] == WORDS


def test_a_test_may_send_its_own_authorization(functions: Streamify) -> None:
    result = functions.get("signed", headers={"Authorization": "Bearer mine"})

    assert (result.status_code, result.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")


@pytest.mark.parametrize("body", [b'{"rows": 2, "name": "a"}', '{"rows": 2, "name": "a"}'])
def test_a_body_is_sent_as_it_is(functions: Streamify, body: bytes | str) -> None:
    result = functions.post("rows", "/?a=b", headers={"content-type": "text/plain"}, body=body)

    assert [event["row"] for event in result.events] == [0, 1]


def test_chunks_of_any_size_are_whole(functions: Streamify) -> None:
    result = functions.post("rows", json={"rows": 3, "name": "large", "size": 700_000})

    assert [json.loads(chunk)["row"] for chunk in result.chunks] == [0, 1, 2]


def test_one_large_chunk_is_not_a_stream_even_if_it_arrives_in_pieces(functions: Streamify) -> None:
    result = functions.post("rows", json={"rows": 1, "name": "large", "size": 3_000_000})

    assert len(result.chunks) == 1
    with pytest.raises(AssertionError, match=r"rows did not stream: the whole body, 30000[0-9]+ bytes, came as one"):
        result.assert_streamed()


def test_errors_are_in_the_result(functions: Streamify) -> None:
    late, early = functions.get("failing"), functions.get("failing", "/at-once")

    assert (late.status_code, late.chunks, late.error) == (200, [b"one ", b"two "], ("Function.KeyError", "'time'"))
    assert (early.status_code, early.error) == (502, ("Unhandled", "no"))


def test_a_rest_api_streams_like_a_url_but_cuts_a_failed_response(functions: Streamify) -> None:
    result = functions.get("ServerlessRestApi", "/Prod/story")
    result.assert_streamed()
    assert [event.json()["word"] for event in result.server_sent_events()] == WORDS

    late, early = functions.get("ServerlessRestApi", "/failing"), functions.get("ServerlessRestApi", "/none")
    assert (late.status_code, late.chunks, late.error) == (200, [b"one ", b"two "], ("Function.KeyError", "'time'"))
    assert (early.status_code, early.json()) == (403, {"message": "Missing Authentication Token"})


def test_a_collected_response_did_not_stream(functions: Streamify) -> None:
    with pytest.raises(AssertionError, match="collected did not stream: the whole body, 16 bytes, came as one chunk"):
        functions.get("collected").assert_streamed()
    with pytest.raises(AssertionError, match="buffered did not stream: its URL has the invoke mode BUFFERED"):
        functions.get("buffered").assert_streamed()


def test_a_refused_request_reaches_no_function(functions: Streamify) -> None:
    result = functions.get("throttled")

    assert (result.status_code, result.framing, result.error) == (429, "client", None)
    assert functions.logs == []
    with pytest.raises(AssertionError, match="throttled did not stream: the emulator answered with status 429"):
        result.assert_streamed()
    with pytest.raises(ValueError, match="throttled cannot be invoked: "):
        functions.invoke("throttled")


def test_logs_are_those_of_the_test_and_complete(functions: Streamify) -> None:
    assert functions.logs == []

    functions.post("rows", json={"rows": 1, "name": "Ada"})

    texts = [line.text for line in functions.logs if line.function == "rows"]
    assert "row 0 of Ada" in texts
    assert texts[-1].startswith("REPORT ")


def test_a_function_runs_to_its_end_after_its_stream_is_closed(functions: Streamify) -> None:
    with functions.open("rows", "POST", json={"rows": 50, "name": "left", "size": 10_000}) as stream:
        assert json.loads(next(stream))["row"] == 0

    assert functions.request("story", "HEAD").chunks == []


def test_for_an_unknown_name_the_error_names_the_known_ones(functions: Streamify) -> None:
    names = "story, rows, collected, buffered, failing, signed, throttled, gated"
    with pytest.raises(LookupError, match=f"there is no function 'x': there are {names}"):
        functions.invoke("x")
    with pytest.raises(LookupError, match=f"there is no function 'x': there are {names}, ServerlessRestApi"):
        functions.get("x")
    with pytest.raises(LookupError, match="the function gated has no FunctionUrlConfig: use"):
        functions.get("gated")


def test_addresses_are_available_for_other_clients(functions: Streamify, emulator: TemplateEmulator) -> None:
    assert functions.urls == emulator.urls
    assert functions.apis == emulator.apis
    assert functions.lambda_api == emulator.lambda_api
    assert Path(emulator.path).name == "template.yaml"
