"""Powertools' other decorators around streams: what they make of the result, of errors, and of a second event."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.middleware_factory import lambda_handler_decorator
from aws_lambda_powertools.utilities.data_classes import LambdaFunctionUrlEvent, event_source
from aws_lambda_powertools.utilities.idempotency import (
    BasePersistenceLayer,
    IdempotencyConfig,
    idempotent,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from http_events import url_event
from invoking import invoke
from lambda_streamify import streaming

EVENT = url_event("/words")


class Broken(Exception):
    pass


def words(_event: Any, _context: Any) -> Any:
    return {"statusCode": 201, "headers": {"x-a": "b"}, "body": iter(["one", "two"])}


def failing(_event: Any, _context: Any) -> Iterator[str]:
    yield "one"
    raise Broken("midway")


# --- middlewares -----------------------------------------------------------------------------------------------------


@lambda_handler_decorator
def rebuilding(handler: Any, event: Any, context: Any) -> Any:
    result = handler(event, context)
    return {**result, "statusCode": 500, "headers": {}, "body": json.dumps({"wrapped": result["body"]})}


@lambda_handler_decorator
def swallowing(handler: Any, event: Any, context: Any) -> Any:
    try:
        return handler(event, context)
    except Broken:
        return {"statusCode": 500, "body": "sorry"}


@lambda_handler_decorator
def raising(handler: Any, event: Any, context: Any) -> Any:
    handler(event, context)
    raise Broken("too late")


def test_an_event_source_hands_on_its_event_and_the_stream() -> None:
    @event_source(data_class=LambdaFunctionUrlEvent)
    @streaming
    def handler(event: LambdaFunctionUrlEvent, _context: Any) -> Iterator[str]:
        yield event.raw_path
        yield event.http_method

    assert invoke(handler, EVENT).sent.chunks[1:] == [b"/words", b"GET"]


def test_a_middleware_that_rebuilds_the_result_changes_nothing() -> None:
    outcome = invoke(rebuilding(streaming(words)), EVENT)

    assert (outcome.sent.prelude["statusCode"], outcome.sent.prelude["headers"]["x-a"]) == (201, "b")
    assert outcome.sent.chunks[1:] == [b"one", b"two"]
    assert outcome.log.errors == []


def test_a_middleware_that_swallows_the_error_changes_nothing() -> None:
    outcome = invoke(swallowing(streaming(failing)), EVENT)

    assert outcome.sent.chunks[1:] == [b"one"]
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: midway"]


def test_what_a_middleware_raises_after_the_stream_is_logged_only() -> None:
    outcome = invoke(raising(streaming(words)), EVENT)

    assert outcome.sent.chunks[1:] == [b"one", b"two"]
    assert outcome.sent.trailers == {}
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: too late"]


# --- idempotency -----------------------------------------------------------------------------------------------------


class InMemory(BasePersistenceLayer):
    """A store of one's own, as Powertools' documentation describes it."""

    def __init__(self) -> None:
        self.records: dict[str, DataRecord] = {}
        super().__init__()  # type: ignore[no-untyped-call]

    def _get_record(self, idempotency_key: str) -> DataRecord:
        if idempotency_key not in self.records:
            raise IdempotencyItemNotFoundError
        return self.records[idempotency_key]

    def _put_record(self, data_record: DataRecord) -> None:
        if data_record.idempotency_key in self.records:
            raise IdempotencyItemAlreadyExistsError(old_data_record=self.records[data_record.idempotency_key])
        self.records[data_record.idempotency_key] = data_record

    def _update_record(self, data_record: DataRecord) -> None:
        self.records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        self.records.pop(data_record.idempotency_key, None)


CONFIG = IdempotencyConfig(event_key_jmespath="rawPath", use_local_cache=False)


@pytest.fixture
def store() -> InMemory:
    return InMemory()


def kept(handler: Any, store: InMemory) -> Any:
    return idempotent(persistence_store=store, config=CONFIG)(handler)


def test_a_stream_under_idempotent_fails_without_streaming(store: InMemory) -> None:
    outcome = invoke(kept(words, store), EVENT)

    assert outcome.path == "error"
    assert "not JSON serializable" in "".join(outcome.log.errors[0])


def test_with_streaming_a_repeated_event_is_answered_with_an_empty_body(store: InMemory) -> None:
    handler = kept(streaming(words), store)

    assert invoke(handler, EVENT).sent.content == b"onetwo"
    again = invoke(handler, EVENT).sent

    assert (again.prelude["statusCode"], again.prelude["headers"]["x-a"], again.content) == (201, "b", b"")


def test_after_a_stream_that_failed_a_repeated_event_is_tried_again(store: InMemory) -> None:
    handler = kept(streaming(failing), store)

    for _ in range(2):
        assert invoke(handler, EVENT).sent.chunks[1:] == [b"one"]
    assert store.records == {}


def test_work_that_is_idempotent_can_be_streamed_each_time(store: InMemory) -> None:
    done: list[str] = []
    config = IdempotencyConfig(use_local_cache=False)

    def work(path: str) -> list[str]:
        done.append(path)
        return ["one", "two"]

    once = idempotent_function(work, data_keyword_argument="path", persistence_store=store, config=config)

    @streaming
    def handler(event: Any, context: Any) -> Iterator[str]:
        config.register_lambda_context(context)
        yield from once(path=event["rawPath"])

    for _ in range(2):
        assert invoke(handler, EVENT).sent.chunks[1:] == [b"one", b"two"]
    assert done == ["/words"]
