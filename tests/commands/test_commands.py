"""The `streamify` command as people type it: what it prints where, its exit status, and what it says of mistakes."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator_process import COMMAND, PARAMETERS, TEMPLATE, EmulatorProcess, emulating, environment, streamify
from gate import Gate
from lambda_streamify_emulator.recordings.recording import Header, RecordingReader
from lambda_streamify_emulator.template.stack import FUNCTIONS
from processes import ROOT
from url_client import request
from waiting import TIMEOUT_S, read_exactly

FUNCTION = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      CodeUri: {code}
      Runtime: {runtime}
      Environment:
        Variables:
          AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify
"""


def complaint(*arguments: str | Path, **options: Any) -> str:
    """Return what the command says when it cannot do what it is asked: one line, and nothing but that."""
    done = streamify(*arguments, **options)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("error: "), done.stderr
    assert done.stderr.endswith("\n")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.removeprefix("error: ").removesuffix("\n")


def serve(*options: str | Path, **variables: Any) -> "subprocess.CompletedProcess[str]":
    return streamify("serve", TEMPLATE, "--port", "0", *PARAMETERS, *options, **variables)


# --- mistakes in the template ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, ": there is no such file; name your template, or run where template.yaml is"),
        ("", ": it is empty"),
        ("just text\n", ": it contains text instead of a template's sections"),
        ("a: [1\nb: {", ": it is not YAML: expected ',' or ']', but got ':' in line 2, column 2"),
        (
            "Resources: {}\n",
            f": it has no function; the emulator runs resources of type {' and '.join(FUNCTIONS)}",
        ),
        (
            FUNCTION.format(code="nil/", runtime="python3.13"),
            ":5: Function: its CodeUri nil/ is neither a folder nor a .zip file",
        ),
    ],
    ids=["missing", "empty", "text", "not-yaml", "no-function", "no-code"],
)
def test_a_wrong_template_is_named_with_what_is_wrong(tmp_path: Path, content: str | None, said: str) -> None:
    template = tmp_path / "template.yaml"
    if content is not None:
        template.write_text(content)

    assert complaint("serve", template) == f"{template}{said}"


def test_the_template_is_the_one_of_the_folder_if_none_is_named(tmp_path: Path) -> None:
    said = "template.yaml: there is no such file; name your template, or run where template.yaml is"

    assert complaint("serve", cwd=tmp_path) == said


def test_an_unknown_runtime_is_named_with_those_there_are(tmp_path: Path, cache: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(FUNCTION.format(code=".", runtime="python2.7"))

    done = streamify("serve", template, "--port", "0", cache=cache)

    said, error = done.stderr.splitlines()[-2:]  # behind what is wrong in the template
    assert (done.returncode, done.stdout) == (2, "")
    assert error == "error: the template has no function that can be served"
    assert "'python2.7'" in said
    assert "python3.10, python3.11, python3.12, python3.13, python3.14" in said


# --- mistakes in the options -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("PythonRuntime", "--parameter PythonRuntime: write it as NAME=VALUE"),
        ("=python3.13", "--parameter =python3.13: write it as NAME=VALUE"),
        ("Nil=1", f"{TEMPLATE}: it has no parameter Nil; its parameters: PythonRuntime"),
    ],
    ids=["no-value", "no-name", "unknown"],
)
def test_a_wrong_parameter_is_named_with_what_would_be_right(parameter: str, said: str) -> None:
    assert complaint("serve", TEMPLATE, "--parameter", parameter) == said


@pytest.mark.parametrize("port", ["99999", "65536", "-1"])
def test_a_port_that_is_none_is_named_with_those_there_are(port: str) -> None:
    said = complaint("serve", TEMPLATE, f"--port={port}")

    assert said == f"{port} is not a port: choose one from 1 to 65535 with --port"


def test_a_port_that_is_in_use_is_named_with_what_it_was_for() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

        said = complaint("serve", TEMPLATE, "--port", str(port))

    assert said == f"port {port}, for the Lambda API, is in use: choose another with --port"


def test_a_url_s_port_that_is_in_use_is_named_with_its_function() -> None:
    with port_before_one_in_use() as port:
        said = complaint("serve", TEMPLATE, "--port", str(port))

    assert said == f"port {port + 1}, for the URL of cases, is in use: choose another with --port"


@contextmanager
def port_before_one_in_use() -> Iterator[int]:
    """Give a free port that is followed by one in use, and that nobody gets who asks for any free port."""
    for _ in range(100):
        with ExitStack() as stack:
            # Bound but not listening: the emulator, which sets SO_REUSEADDR as well, may still listen on it.
            reserved = stack.enter_context(socket.socket())
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            reserved.bind(("127.0.0.1", 0))
            port = reserved.getsockname()[1]
            try:
                stack.enter_context(socket.create_server(("127.0.0.1", port + 1)))
            except (OSError, OverflowError):
                continue
            yield port
            return
    pytest.fail("there are no two ports in a row")


def test_what_is_no_command_or_option_is_refused() -> None:
    for arguments in (["nil"], ["serve", "--nil"], ["invoke"], ["serve", "--port", "four"]):
        done = streamify(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Usage: " in done.stderr
        assert "Traceback" not in done.stderr


# --- mistakes in invoking --------------------------------------------------------------------------------------------


def test_a_function_that_is_not_there_is_named(emulator: EmulatorProcess) -> None:
    said = complaint("invoke", "nil", AWS_ENDPOINT_URL_LAMBDA=emulator.lambda_api)

    arn = "arn:aws:lambda:us-east-1:123456789012:function:nil"
    assert said.startswith(f"nil: ResourceNotFoundException: Function not found: {arn}")


def test_an_endpoint_where_nothing_answers_is_named_with_what_to_start() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))  # and not listening
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"

        said = complaint("invoke", "hello", AWS_ENDPOINT_URL_LAMBDA=endpoint)

    assert said == f"nothing answers at {endpoint}: start the emulator with `streamify serve`"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AWS_ENDPOINT_URL_LAMBDA": "nil"}, "AWS_ENDPOINT_URL_LAMBDA=nil: it must begin with http:// or https://"),
        ({"AWS_PROFILE": "nil"}, "no client for Lambda at http://127.0.0.1:4000: "),
    ],
    ids=["endpoint", "profile"],
)
def test_settings_that_do_not_lead_to_lambda_are_named(variables: dict[str, Any], said: str) -> None:
    assert complaint("invoke", "hello", **variables).startswith(said)


def test_a_name_that_boto3_does_not_take_is_named() -> None:
    assert complaint("invoke", "").startswith("'' cannot be invoked: Parameter validation failed: Invalid length")


def test_a_missing_event_is_named(tmp_path: Path) -> None:
    said = complaint("invoke", "hello", "--event", tmp_path / "nil.json")

    assert said == f"the event {tmp_path / 'nil.json'} cannot be read: No such file or directory"


@pytest.mark.parametrize("content", [b"text", b'{"a"', b"\xff", b""])
def test_an_event_that_is_not_json_is_named(tmp_path: Path, content: bytes) -> None:
    event = tmp_path / "event.json"
    event.write_bytes(content)

    assert complaint("invoke", "hello", "--event", event).startswith(f"the event {event} is not JSON: ")


# --- what is printed -------------------------------------------------------------------------------------------------


def test_the_version_is_printed() -> None:
    done = streamify("--version")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"lambda-streamify \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["invoke", "--help"]])
def test_help_is_printed(arguments: list[str]) -> None:
    done = streamify(*arguments)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: streamify" in done.stdout


def test_colours_are_for_those_who_want_them(tmp_path: Path) -> None:
    plain, coloured, not_coloured = (
        streamify("serve", tmp_path / "nil.yaml", **variables).stderr
        for variables in (dict[str, Any](), {"FORCE_COLOR": "1"}, {"FORCE_COLOR": "1", "NO_COLOR": "1"})
    )

    assert "\x1b" not in plain
    assert "\x1b[1;31merror: " in coloured
    # Bold and dim are no colours: no-color.org.
    assert not re.search(r"\x1b\[[\d;]*[34]\d", not_coloured)


# --- serve --exec ----------------------------------------------------------------------------------------------------


def test_serve_lists_the_addresses_and_ends_with_the_status_of_the_command_that_it_runs(cache: Path) -> None:
    done = serve("--exec", "exit 7", cache=cache)

    first, second, *_ = done.stdout.splitlines()
    assert re.fullmatch(r"Lambda API +http://127\.0\.0\.1:\d+", first)
    address = re.fullmatch(r"cases +(http://127\.0\.0\.1:\d+/)", second)
    assert address
    plain, signed = done.stderr.splitlines()
    assert plain == f"try: curl -N {address[1]}"
    assert signed.startswith('requests to signed must be signed: curl --aws-sigv4 "aws:amz:us-east-1:lambda" --user ')
    assert done.returncode == 7


def test_serve_ends_as_a_shell_does_if_the_command_that_it_runs_is_killed(cache: Path) -> None:
    assert serve("--exec", "kill -KILL $$", cache=cache).returncode == 128 + signal.SIGKILL


def test_the_command_that_serve_runs_finds_the_emulator(cache: Path) -> None:
    command = f"{COMMAND} invoke cases --json --event -"

    done = serve("--json", "--exec", command, cache=cache, stdin='{"case": "value", "value": "42"}')

    addresses, chunk, end = map(json.loads, done.stdout.splitlines())
    assert list(addresses) == ["lambda_api", "urls", "apis", "credentials"]
    assert (chunk[1:], end[1:]) == (["o", "42"], ["x", {"reason": "end", "bytes": 2, "chunks": 1}])
    assert done.returncode == 0


def test_the_command_that_serve_runs_ends_with_it(tmp_path: Path, cache: Path) -> None:
    with emulating(tmp_path, cache, "--exec", "exec sleep 600") as emulator:
        emulator.process.send_signal(signal.SIGTERM)

        assert emulator.wait_until_ended() == 128 + signal.SIGTERM
        emulator.assert_nothing_is_left()


def test_serve_records_what_the_runtime_writes_and_what_leaves_for_the_client(cache: Path, tmp_path: Path) -> None:
    event = json.dumps({"case": "answer", "response": json.dumps({"body": ["one", "two"]})})
    command = f"{COMMAND} invoke cases --event -"

    done = serve("--record", str(tmp_path / "kept"), "--exec", command, cache=cache, stdin=event)

    assert done.returncode == 0
    [client], [runtime] = ((tmp_path / "kept").glob(f"cases-*.{layer}.ndjson") for layer in ("client", "runtime-api"))
    header, events = recording(runtime)
    assert (header.layer, header.more["function"]) == ("runtime-api", "cases")
    assert events == [("o", "one"), ("o", "two"), ("x", {"reason": "end", "bytes": 6, "chunks": 2})]
    assert [data for code, data in recording(client)[1] if code == "o"] == ["one", "two"]


# --- invoke ----------------------------------------------------------------------------------------------------------


def invoke(emulator: EmulatorProcess, *options: str, **event: object) -> "subprocess.CompletedProcess[str]":
    arguments = ["invoke", "cases", "--event", "-", *options]
    return streamify(*arguments, stdin=json.dumps(event), AWS_ENDPOINT_URL_LAMBDA=emulator.lambda_api)


LINE = "   0.000 s  chunk 0\n"


@contextmanager
def invoking_gated(emulator: EmulatorProcess, gate: Gate, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Have an invocation that prints three chunks, of which the test lets each one come."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"case": "gated", "gate": gate.address, "chunks": 3}))
    variables = environment(None, AWS_ENDPOINT_URL_LAMBDA=emulator.lambda_api)
    with subprocess.Popen(
        [COMMAND, "invoke", "cases", "--event", event], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_each_chunk_is_printed_when_it_comes(emulator: EmulatorProcess, gate: Gate, tmp_path: Path) -> None:
    with invoking_gated(emulator, gate, tmp_path) as process:
        assert process.stdout is not None
        for number in range(3):
            line = read_exactly(process.stdout, len(LINE)).decode()
            assert re.fullmatch(rf" *\d+\.\d\d\d s  chunk {number}\n", line)
            gate.open()
        assert process.wait(TIMEOUT_S) == 0


def test_nobody_hears_of_a_reader_who_has_seen_enough(emulator: EmulatorProcess, gate: Gate, tmp_path: Path) -> None:
    with invoking_gated(emulator, gate, tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        read_exactly(process.stdout, len(LINE))
        process.stdout.close()
        for _ in range(3):
            gate.open()
        assert process.wait(TIMEOUT_S) == 1
        assert process.stderr.read() == b""


def test_a_function_that_fails_amid_its_response_is_an_error_and_the_status_1(emulator: EmulatorProcess) -> None:
    done = invoke(emulator, case="fails", after=2)

    assert [line.split(" s  ")[1] for line in done.stdout.splitlines()] == ["chunk 0", "chunk 1"]
    error, summary = done.stderr.splitlines()
    assert re.fullmatch(r"error: after \d+\.\d{3} s: Function\.LookupError: no more chunks", error)
    assert summary.endswith("2 chunks, 16 bytes")
    assert done.returncode == 1


def test_the_events_can_be_had_as_json(emulator: EmulatorProcess) -> None:
    body = ["text ž\n", {"base64": "AP8="}]
    done = invoke(emulator, "--json", case="answer", response=json.dumps({"body": body}))

    times, codes, data = zip(*map(json.loads, done.stdout.splitlines()), strict=True)
    assert (codes, data) == (("o", "b", "x"), ("text ž\n", "AP8=", {"reason": "end", "bytes": 10, "chunks": 2}))
    assert all(isinstance(time, int) for time in times)
    assert list(times) == sorted(times)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_is_an_event_too(emulator: EmulatorProcess) -> None:
    done = invoke(emulator, "--json", case="raises")

    (_, code, data), (_, error_code, error), (_, end_code, end) = map(json.loads, done.stdout.splitlines())
    assert (code, error_code, end_code) == ("o", "e", "x")
    assert (error["type"], error["message"]) == ("Unhandled", json.loads(data)["errorMessage"])
    assert end == {"reason": "error", "bytes": len(data), "chunks": 1}
    assert done.returncode == 1


def recording(path: Path) -> tuple[Header, list[tuple[str, object]]]:
    with path.open() as file:
        reader = RecordingReader(file)
        return reader.header, [(event.code, event.data) for event in reader]


def test_what_an_invocation_answers_can_be_recorded(emulator: EmulatorProcess, tmp_path: Path) -> None:
    path = tmp_path / "cases.ndjson"
    response = {"statusCode": 201, "headers": {"x-kind": "brief"}, "body": ["one", "two"]}

    done = invoke(emulator, "--record", str(path), case="answer", response=json.dumps(response))

    header, events = recording(path)
    assert (header.layer, header.more["function"]) == ("client", "cases")
    assert events == [("o", "one"), ("o", "two"), ("x", {"reason": "end", "bytes": 6, "chunks": 2})]
    assert done.returncode == 0


def test_so_can_what_a_url_answers(emulator: EmulatorProcess, tmp_path: Path) -> None:
    path = tmp_path / "url.ndjson"
    url = f"{emulator.urls['cases']}value?value=42"

    done = streamify("invoke", url, "--record", str(path))

    (_, head), *events = recording(path)[1]
    assert isinstance(head, dict)
    assert head["status_code"] == 200
    assert events == [("o", "42"), ("x", {"reason": "end", "bytes": 2, "chunks": 1})]
    assert (done.returncode, "HTTP 200" in done.stdout) == (0, True)


# --- the project's own template --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    # One sample has requirements, which come from the network, so they are kept as long as the environment is.
    cache = Path(sys.prefix) / "streamify-cache"
    template = ROOT / "template.yaml"
    with emulating(tmp_path_factory.mktemp("samples"), cache, template=template, measured=False) as emulator:
        yield emulator


def test_hello_streams_five_chunks_each_with_its_time_beside_it(samples: EmulatorProcess) -> None:
    done = streamify("invoke", "hello", AWS_ENDPOINT_URL_LAMBDA=samples.lambda_api)

    lines = [re.fullmatch(r" *(\d+\.\d{3}) s  Chunk (\d)", line) for line in done.stdout.splitlines()]
    assert [line and line[2] for line in lines] == list("01234")
    times = [float(line[1]) for line in lines if line]
    assert times == sorted(times)
    assert re.fullmatch(r" *\d+\.\d{3} s  5 chunks, 40 bytes\n", done.stderr)
    assert done.returncode == 0


def test_hello_streams_behind_its_url(samples: EmulatorProcess) -> None:
    reply = request(samples.urls["hello"])

    assert (reply.status, reply.body) == (200, b"Chunk 0\nChunk 1\nChunk 2\nChunk 3\nChunk 4\n")


def test_story_streams_each_token_as_an_event_of_its_own(samples: EmulatorProcess) -> None:
    done = streamify("invoke", "story", "--json", AWS_ENDPOINT_URL_LAMBDA=samples.lambda_api)

    *chunks, last, end = map(json.loads, done.stdout.splitlines())
    assert (last[1:], end[1]) == (["o", "event: done\ndata: {}\n\n"], "x")
    tokens = []
    for _, code, chunk in chunks:
        assert (code, chunk[:6], chunk[-2:]) == ("o", "data: ", "\n\n")
        tokens.append(json.loads(chunk[6:])["token"])
    assert len(tokens) > 100
    assert "".join(tokens).startswith("Marta kept the lighthouse at the end of the world,")
