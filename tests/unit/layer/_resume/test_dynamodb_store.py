from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse

from documents import blocks
from invoking import FUNCTION_URL
from lambda_streamify import resumable, sse
from lambda_streamify._resume.dynamodb_store import DynamoDBStore
from lambda_streamify.resume import ENDED, RUNNING, Run
from lambda_streamify.testing import call
from processes import ROOT
from store_contract import EVENTS, StoreContract, found, read_all

ITEM_LIMIT_BYTES = 400 * 1024


PAGE = ROOT / "docs" / "guides" / "resumable.md"


def make_table(client: Any) -> None:
    """Create the table as the guide has it."""
    (template,) = blocks(PAGE, "yaml")
    properties = yaml_parse(template)["RunsTable"]["Properties"]
    time_to_live = properties.pop("TimeToLiveSpecification")
    client.create_table(TableName="runs", **properties)
    client.update_time_to_live(TableName="runs", TimeToLiveSpecification=time_to_live)


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """boto3's own client, with moto behind it."""
    from boto3.session import Session

    with mock_aws():
        session: Any = Session("any", "any", region_name="us-east-1")
        yield session.client("dynamodb")


@pytest.fixture
def client(dynamodb: Any) -> Iterator[Any]:
    """The client, with an empty table."""
    make_table(dynamodb)
    yield dynamodb
    dynamodb.delete_table(TableName="runs")


class TestDynamoDBStore(StoreContract):
    @pytest.fixture
    def store(self, client: Any) -> DynamoDBStore:
        return DynamoDBStore(client, "runs")


class Throttled:
    """A client whose calls are refused so many times before they go through. `waits` is what the store waited."""

    def __init__(self, client: Any, refusals: int, code: str = "ProvisionedThroughputExceededException") -> None:
        self._client = client
        self._refusals = refusals
        self._code = code
        self.waits: list[float] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            if self._refusals:
                self._refusals -= 1
                raise ClientError({"Error": {"Code": self._code, "Message": "slow down"}}, operation)
            return getattr(self._client, operation)(**arguments)

        return call


def test_a_throttled_table_is_asked_again_with_longer_and_longer_waits(client: Any) -> None:
    throttled = Throttled(client, 3)
    store = DynamoDBStore(throttled, "runs", sleep=throttled.waits.append)

    assert store.begin("key", "a")
    assert throttled.waits == [0.05, 0.1, 0.2]


def test_a_table_that_stays_throttled_is_an_error_after_three_seconds(client: Any) -> None:
    throttled = Throttled(client, 100)
    store = DynamoDBStore(throttled, "runs", sleep=throttled.waits.append)

    with pytest.raises(ClientError, match="slow down"):
        store.begin("key", "a")
    assert sum(throttled.waits) == pytest.approx(3.15)


def test_a_throttled_table_costs_neither_the_client_nor_a_reader_an_event(client: Any) -> None:
    store = DynamoDBStore(Throttled(client, 4), "runs", batch_seconds=0.001, sleep=lambda _: None)

    def tokens() -> Iterator[str]:
        for number in range(1, 50):
            if number % 10 == 0:
                store._client = Throttled(client, 4)  # noqa: SLF001 - the table is throttled again and again
            yield f"token {number}"

    live = b"".join(resumable(sse.events(tokens()), store, key="key", after=""))
    kept = b"".join(resumable(None, store, key="key", after=""))

    assert live.count(b"data: token ") == 49
    assert kept == live


def test_any_other_error_is_raised_at_once(client: Any) -> None:
    throttled = Throttled(client, 1, "AccessDeniedException")
    store = DynamoDBStore(throttled, "runs", sleep=throttled.waits.append)

    with pytest.raises(ClientError, match="AccessDenied"):
        store.find("key")
    assert throttled.waits == []


def test_a_begin_whose_answer_was_lost_and_that_botocore_repeats_has_begun(client: Any) -> None:
    store = DynamoDBStore(client, "runs")
    assert store.begin("key", "a")

    assert store.begin("key", "a")
    assert store.append("key", "a", 1, EVENTS) is not None


@pytest.mark.parametrize("size", [389_980, 390_000, 390_001, 780_000, 1_500_000])
def test_an_event_larger_than_an_item_is_split_over_items(client: Any, size: int) -> None:
    store = DynamoDBStore(client, "runs")
    large = b"data: %b\n\n" % (b"x" * (size - 8))
    events = [*EVENTS[:2], large, *EVENTS[2:]]
    store.begin("key", "a")
    store.append("key", "a", 1, events)

    assert [read_all(store, "key", after) for after in range(8)] == [events[after:] for after in range(8)]
    items = client.scan(TableName="runs")["Items"]
    assert max(len(item.get("data", {"B": b""})["B"]) for item in items) <= ITEM_LIMIT_BYTES - 4096


def test_many_events_of_one_batch_are_spread_over_items(client: Any) -> None:
    store = DynamoDBStore(client, "runs")
    events = [b"data: %b\n\n" % (bytes([65 + number]) * 100_000) for number in range(10)]
    store.begin("key", "a")
    store.append("key", "a", 1, events)

    assert [read_all(store, "key", after) for after in (0, 3, 4, 9)] == [events[after:] for after in (0, 3, 4, 9)]


def test_a_run_that_has_expired_is_gone_although_the_table_still_has_it(client: Any) -> None:
    now = [1000.0]
    store = DynamoDBStore(client, "runs", ttl=10, clock=lambda: now[0])
    store.begin("key", "a")
    store.append("key", "a", 1, EVENTS)
    assert {item["expires"]["N"] for item in client.scan(TableName="runs")["Items"]} == {"1010"}

    now[0] = 1010

    assert store.find("key") is None
    assert not store.request_stop("key")
    assert store.begin("key", "b")
    assert found(store, "key") == Run("b", RUNNING, 0, 0, stop_requested=False)
    assert read_all(store, "key") == []


# --- the guide -------------------------------------------------------------------------------------------------------


def test_the_guides_handler_answers_who_comes_back_from_the_table(client: Any) -> None:
    del client  # boto3's clients in this process use moto, and the table is there
    namespace: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "any")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "any")
        (code,) = blocks(PAGE, "py")
        exec(compile(code, "example", "exec"), namespace)  # noqa: S102
    request = {**FUNCTION_URL, "headers": {}, "rawQueryString": "run=a"}

    first, second = (call(namespace["lambda_handler"], request) for _ in range(2))

    assert first.text.endswith("-1\ndata: Hello\n\n")
    assert second.body == first.body


class Counted:
    """A client that counts the calls of each operation."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: Counter[str] = Counter()

    def __getattr__(self, operation: str) -> Any:
        self.calls[operation] += 1
        return getattr(self._client, operation)


def item_bytes(item: dict[str, Any]) -> int:
    """Return what DynamoDB counts: the names, text and bytes as they are, and two digits of a number as a byte."""
    size = 0
    for name, value in item.items():
        ((kind, content),) = value.items()
        size += len(name) + ((len(content) + 1) // 2 + 1 if kind == "N" else len(content))
    return size


def test_a_token_costs_what_the_guide_says(client: Any) -> None:
    counted = Counted(client)
    store = DynamoDBStore(counted, "runs")
    event, batches, in_batch = b'data: {"token":" word"}\n\n', 50, 10  # 50 tokens a second for 10 seconds
    tokens = batches * in_batch
    run_id = "0123456789ab"
    store.begin("key", run_id)
    for batch in range(batches):
        store.append("key", run_id, batch * in_batch + 1, [event] * in_batch)
    store.end("key", run_id, ENDED)
    written = counted.calls.total()
    assert read_all(store, "key") == [event] * tokens
    read = counted.calls.total() - written
    items = client.scan(TableName="runs")["Items"]
    size = sum(item_bytes(item) for item in items if "data" in item)

    assert f"| writer | {(written - 2) / tokens:g} | {size / tokens:.0f} | 2 for the run" in PAGE.read_text()
    assert (
        f"| reader of a run that is over | 0 | {size / tokens:.0f} | {read}, and 1 for each further megabyte |"
        in PAGE.read_text()
    )
