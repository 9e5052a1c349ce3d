import pytest

from lambda_streamify._resume.run import ENDED, FAILED, LOST, RUNNING, STOPPED, Run, event_id, number_of
from lambda_streamify.errors import BadRequest


def a_run(state: str = RUNNING, last: int = 3) -> Run:
    return Run("abc", state, last, 0, stop_requested=False)


def test_an_id_names_the_run_and_the_event() -> None:
    assert event_id("abc", 3) == "abc-3"
    assert number_of("abc-3", a_run()) == 3


@pytest.mark.parametrize(
    "given", ["", "3", "abc", "abc-", "-3", "abc-x", "abc--1", "abc-1 ", "abc-٣", "abc-" + "9" * 16, "abc-lost", "\0"]
)
def test_an_id_that_no_stream_has_sent_is_refused(given: str) -> None:
    with pytest.raises(BadRequest, match=r"is none that this stream has sent|is of another stream"):
        number_of(given, a_run())


def test_an_id_of_another_run_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"'abd-1' is of another stream; begin anew without an id"):
        number_of("abd-1", a_run())


def test_an_id_beyond_the_last_event_is_refused_only_where_no_more_can_come() -> None:
    assert number_of("abc-4", a_run(RUNNING)) == 4
    assert number_of("abc-4", a_run(LOST)) == 4
    for state in (ENDED, STOPPED, FAILED):
        with pytest.raises(BadRequest, match="beyond the end of the stream"):
            number_of("abc-4", a_run(state))


def test_a_long_id_is_cut_in_the_message() -> None:
    with pytest.raises(BadRequest) as error:
        number_of("x" * 5000, a_run())
    assert len(str(error.value)) < 200
