from lambda_streamify_emulator.invocations.backlog import BACKLOG_LIMIT_BYTES, HeldBacklog


def test_pieces_are_taken_in_their_order() -> None:
    backlog = HeldBacklog()
    assert backlog.take() is None
    backlog.add(b"a")
    backlog.add(b"")
    backlog.add(b"b")

    assert [backlog.take() for _ in range(4)] == [b"a", b"", b"b", None]


def test_it_is_full_from_the_limit_on_until_something_is_taken() -> None:
    backlog = HeldBacklog()
    backlog.add(bytes(BACKLOG_LIMIT_BYTES - 1))
    assert not backlog.is_full
    backlog.add(b"x")
    assert backlog.is_full
    backlog.take()
    assert not backlog.is_full


def test_what_is_cleared_is_gone() -> None:
    backlog = HeldBacklog()
    backlog.add(bytes(BACKLOG_LIMIT_BYTES))
    backlog.clear()

    assert backlog.take() is None
    assert not backlog.is_full
