"""functions/download under the emulator: with moto in place of S3, and where a body has to be held back or to be large,
with a server that is no S3 but sends what one sends.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from gzip import compress, decompress
from hashlib import md5
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emulator_process import EmulatorProcess
from lambda_streamify.testing import collect
from process_table import command_line, peak
from request_events import event
from sample_services import Context, answered, client, load_sample, moto_serving, recorded, sample_emulator
from source_server import Answer, SourceServer, serving
from url_client import Reply, request
from waiting import TIMEOUT_S

CHUNK = 256 * 1024
LARGE = 104  # MiB
KEY, PATH = "reports/lighthouse 1888.csv", "/reports/lighthouse%201888.csv"
CSV = b"date,wind,ships\n1888-11-21,7.5,1\n1888-11-22,9,0\n"
ETAG = f'"{md5(CSV, usedforsecurity=False).hexdigest()}"'  # as S3 makes it of what is uploaded in one piece
PAGE_KEY, PAGE_PATH = 'logs/"Grüße".html', "/logs/%22Gr%C3%BC%C3%9Fe%22.html"


# --- S3 and the function ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_serving() as address, closing(client("s3", address)) as sdk:
        for bucket in ("files", "others"):
            sdk.create_bucket(Bucket=bucket)
        sdk.put_object(Bucket="files", Key=KEY, Body=CSV, ContentType="text/csv", CacheControl="max-age=60")
        sdk.put_object(Bucket="files", Key=PAGE_KEY, Body=b"<p>", ContentType="text/html")
        sdk.put_object(Bucket="files", Key="shown.txt", Body=b"!", ContentDisposition="inline")
        sdk.put_object(Bucket="files", Key="packed", Body=compress(b"!"), ContentEncoding="gzip")
        sdk.put_object(Bucket="files", Key="empty", Body=b"")
        sdk.put_object(Bucket="others", Key="secret", Body=b"secret")
        yield address


@pytest.fixture(scope="module")
def emulator(s3: str, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    functions = {"DownloadFunction": {"AWS_ENDPOINT_URL": s3, "BUCKET": "files"}}
    with sample_emulator(tmp_path_factory.mktemp("download"), cache, functions=functions) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def source() -> Iterator[SourceServer]:
    block = b"x" * 1024 * 1024
    answers = {
        "/files/slow": Answer("image/jpeg", [b"1" * CHUNK, b"2" * CHUNK, b"3"], length=True),
        "/files/small": Answer("text/plain", [b"!"], length=True),
        "/files/large": Answer("video/mp4", [block] * LARGE, length=True),
    }
    with serving(answers) as server:
        yield server


@pytest.fixture(scope="module")
def unlimited(source: SourceServer, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    """The function over that other server, as fast as it can be."""
    functions = {"DownloadFunction": {"AWS_ENDPOINT_URL": source.address, "BUCKET": "files"}}
    folder = tmp_path_factory.mktemp("unlimited")
    with sample_emulator(folder, cache, "--limits", "none", functions=functions) as emulator:
        yield emulator


def get(emulator: EmulatorProcess, path: str = PATH, method: str = "GET", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(emulator.urls["download"], path, method=method, headers=named)


def opened(emulator: EmulatorProcess, path: str) -> closing[HTTPConnection]:
    """A connection on which a GET is sent, and nothing is read yet."""
    connection = HTTPConnection(urlsplit(emulator.urls["download"]).netloc, timeout=TIMEOUT_S)
    connection.request("GET", path)
    return closing(connection)


# --- what it answers -------------------------------------------------------------------------------------------------


def test_an_object_is_sent_with_its_metadata(emulator: EmulatorProcess) -> None:
    reply = get(emulator)

    assert (reply.status, reply.body) == (200, CSV)
    assert reply.all("content-type") == ["text/csv"]
    assert reply.all("cache-control") == ["max-age=60"]
    assert reply.all("accept-ranges") == ["bytes"]
    assert reply.all("etag") == [ETAG]
    assert len(reply.all("last-modified")) == 1
    assert reply.all("content-disposition") == ["attachment; filename*=UTF-8''lighthouse%201888.csv"]
    assert reply.all("content-length") == []


def test_head_is_get_without_the_body(emulator: EmulatorProcess) -> None:
    def headers(reply: Reply) -> dict[str, str]:
        own = ("date", "x-amzn-requestid", "x-amzn-trace-id", "transfer-encoding")
        return {name: value for name, value in reply.headers if name not in own}

    head = get(emulator, method="HEAD")

    assert (head.status, head.body) == (200, b"")
    assert headers(head) == headers(get(emulator))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(method: str, emulator: EmulatorProcess) -> None:
    reply = get(emulator, method=method)

    assert (reply.status, reply.all("allow")) == (405, ["GET, HEAD"])


def test_an_empty_object_is_an_empty_body(emulator: EmulatorProcess) -> None:
    reply = get(emulator, "/empty")

    assert (reply.status, reply.body) == (200, b"")


def test_a_page_is_saved_and_not_shown(emulator: EmulatorProcess) -> None:
    reply = get(emulator, PAGE_PATH)

    assert (reply.status, reply.body) == (200, b"<p>")
    assert reply.all("content-disposition") == ["attachment; filename*=UTF-8''%22Gr%C3%BC%C3%9Fe%22.html"]
    assert reply.all("x-content-type-options") == ["nosniff"]


def test_an_object_may_say_that_it_is_shown(emulator: EmulatorProcess) -> None:
    assert get(emulator, "/shown.txt").all("content-disposition") == ["inline"]


def test_a_compressed_object_stays_as_it_is(emulator: EmulatorProcess) -> None:
    reply = get(emulator, "/packed")

    assert (decompress(reply.body), reply.all("content-encoding")) == (b"!", [])


# --- parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "part", "sent"),
    [
        ("bytes=0-3", "0-3", CSV[:4]),
        ("bytes=5-9", "5-9", CSV[5:10]),
        ("bytes=40-", "40-47", CSV[40:]),
        ("bytes=-9", "39-47", CSV[-9:]),
        ("bytes=40-999", "40-47", CSV[40:]),
        ("bytes=-999", "0-47", CSV),
    ],
)
def test_a_range_is_sent_alone(asked: str, part: str, sent: bytes, emulator: EmulatorProcess) -> None:
    reply = get(emulator, range=asked)

    assert (reply.status, reply.body) == (206, sent)
    assert reply.all("content-range") == [f"bytes {part}/{len(CSV)}"]
    assert reply.all("etag") == [ETAG]


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "0-3"])
def test_a_range_that_is_none_or_several_is_ignored(asked: str, emulator: EmulatorProcess) -> None:
    reply = get(emulator, range=asked)

    assert (reply.status, reply.body) == (200, CSV)


@pytest.mark.parametrize("asked", ["bytes=48-", "bytes=100-200", "bytes=-0"])
def test_a_range_behind_the_end_is_refused_with_the_size(asked: str, emulator: EmulatorProcess) -> None:
    reply = get(emulator, range=asked)

    assert (reply.status, reply.all("content-range")) == (416, [f"bytes */{len(CSV)}"])


def test_an_object_that_has_changed_is_sent_whole(emulator: EmulatorProcess) -> None:
    same = get(emulator, range="bytes=5-", if_range=ETAG)
    other = get(emulator, range="bytes=5-", if_range='"an older one"')

    assert (same.status, same.body) == (206, CSV[5:])
    assert (other.status, other.body) == (200, CSV)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_is_not_sent_again(method: str, emulator: EmulatorProcess) -> None:
    reply = get(emulator, method=method, if_none_match=ETAG)

    assert (reply.status, reply.body, reply.all("etag")) == (304, b"", [ETAG])
    assert get(emulator, method=method, if_none_match='"an older one"').status == 200


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/reports", "/%ff", "/../others/secret", "/%2e%2e/others/secret", "/a/..%2F..%2Fothers%2Fsecret"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_no_key_of_the_bucket_is_not_there(method: str, path: str, emulator: EmulatorProcess) -> None:
    assert get(emulator, path, method=method).status == 404


def test_a_failure_of_s3_is_a_failure_and_no_missing_object(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    with serving({"/files/key": Answer("application/xml", [denied], 403, length=True)}) as server:
        download = load_sample("download", monkeypatch, AWS_ENDPOINT_URL=server.address, BUCKET="files")
        with closing(download.s3), pytest.raises(download.ClientError, match="AccessDenied"):
            download.lambda_handler({**event("download"), "rawPath": "/key"}, Context())


# --- size ------------------------------------------------------------------------------------------------------------


def test_a_chunk_leaves_while_s3_holds_the_next_one_back(unlimited: EmulatorProcess, source: SourceServer) -> None:
    with opened(unlimited, "/slow") as connection:
        response = connection.getresponse()
        assert (response.status, response.headers["content-type"]) == (200, "image/jpeg")
        for chunk in (b"1" * CHUNK, b"2" * CHUNK):
            assert response.read(CHUNK) == chunk
            source.release()
        assert response.read() == b"3"


def test_an_object_of_any_size_needs_the_same_memory(unlimited: EmulatorProcess, source: SourceServer) -> None:
    get(unlimited, "/small")  # now the process is there
    (sandbox,) = (process for process in unlimited.processes() if "streamify-main.py" in command_line(process))
    before = peak(sandbox)
    for _ in range(LARGE):
        source.release()

    size = 0
    with opened(unlimited, "/large") as connection:
        response = connection.getresponse()
        while block := response.read(CHUNK):
            size += len(block)

    assert size == LARGE * 1024 * 1024
    assert peak(sandbox) - before < 16 * 1024 * 1024


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=0-40"}], ids=["whole", "range"])
def test_what_is_too_large_for_a_response_is_had_from_s3_itself(
    headers: Mapping[str, str], s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = load_sample("download", monkeypatch, AWS_ENDPOINT_URL=s3, BUCKET="files")
    monkeypatch.setattr(download, "LARGEST", 40)
    with closing(download.s3):
        answer = collect(download.lambda_handler({**event("download"), "headers": headers}, Context()))
        small = collect(download.lambda_handler({**event("download"), "headers": {"range": "bytes=0-39"}}, Context()))

    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    link = urlsplit(answer.headers["location"])
    reply = request(f"{link.scheme}://{link.netloc}", f"{link.path}?{link.query}", headers=headers)
    assert reply.body == (CSV[:41] if headers else CSV)
    assert (small.status_code, small.body) == (206, CSV[:40])


def test_a_link_is_signed_for_the_buckets_region(monkeypatch: pytest.MonkeyPatch) -> None:
    download = load_sample("download", monkeypatch, BUCKET="files", AWS_DEFAULT_REGION="eu-central-1")

    with closing(download.s3):
        link = urlsplit(download.link(KEY))

    assert (link.netloc, link.path) == ("files.s3.eu-central-1.amazonaws.com", PATH)
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link.query


# --- its recording ---------------------------------------------------------------------------------------------------


def test_the_recording_is_what_it_answers(emulator: EmulatorProcess) -> None:
    now, then = answered(emulator, "download"), recorded("download")

    assert now.headers.pop("last-modified")
    assert then.headers.pop("last-modified")
    assert now == then
