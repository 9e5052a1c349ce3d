"""Nothing here depends on how much time passes."""

from lambda_streamify_emulator.load.clock import Clock


def test_a_clock_shows_nothing_before_it_starts() -> None:
    assert Clock().seconds == 0


def test_a_clock_stops_once() -> None:
    clock = Clock()
    clock.start()
    clock.stop()
    shown, stopped_at = clock.seconds, clock.stopped_at

    clock.stop()

    assert (clock.seconds, clock.stopped_at) == (shown, stopped_at)


def test_the_worker_that_started_first_counts() -> None:
    clock = Clock()
    clock.start(500)
    clock.start(1000)
    clock.start(0)
    clock.stop()

    assert 1000 <= clock.seconds < 1500
