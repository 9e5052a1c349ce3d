from lambda_streamify_emulator.extensions.buffer import TelemetryBuffer


def make(max_items: int = 3, max_bytes: int = 100, timeout_s: float = 5.0) -> TelemetryBuffer:
    return TelemetryBuffer(max_items, max_bytes, timeout_s, lambda items, size: b"lost %d, %d" % (items, size))


def test_a_batch_is_due_after_its_timeout_from_the_first_event_on() -> None:
    buffer = make()
    assert buffer.wait(10.0) is None
    buffer.add(b"one", 10.0)
    buffer.add(b"two", 12.0)

    assert buffer.wait(12.0) == 3.0
    assert buffer.wait(99.0) == 0.0
    assert buffer.take() == [b"one", b"two"]
    assert buffer.wait(99.0) is None
    assert buffer.is_empty


def test_a_full_batch_is_due_at_once() -> None:
    by_items, by_bytes = make(max_items=2), make(max_bytes=5)
    for event in (b"abc", b"def"):
        assert by_items.is_full is by_bytes.is_full is False
        by_items.add(event, 0.0)
        by_bytes.add(event, 0.0)

    assert by_items.wait(0.0) == by_bytes.wait(0.0) == 0.0


def test_a_flush_makes_a_batch_due() -> None:
    buffer = make()
    buffer.flush(1.0)
    assert buffer.wait(1.0) is None
    buffer.add(b"one", 0.0)
    buffer.flush(1.0)

    assert buffer.wait(1.0) == 0.0


def test_what_has_no_room_is_lost_and_reported_once() -> None:
    buffer = make(max_items=1)
    for event in (b"one", b"two", b"three"):
        buffer.add(event, 0.0)

    assert buffer.take() == [b"one", b"lost 2, 8"]
    buffer.add(b"four", 0.0)
    assert buffer.take() == [b"four"]


def test_a_batch_that_was_not_accepted_is_reported_with_the_next_one() -> None:
    buffer = make()
    buffer.add(b"one", 0.0)
    batch = buffer.take()
    buffer.drop(len(batch), 3)
    assert buffer.wait(0.0) is None
    buffer.add(b"two", 0.0)

    assert buffer.take() == [b"two", b"lost 1, 3"]
