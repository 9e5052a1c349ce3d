import pytest

from lambda_streamify_emulator.extensions.states import TRANSITIONS, forbidden

CALLS = ("register", "next", "init/error", "exit/error")


def test_each_call_leads_to_a_state_of_the_table() -> None:
    assert {state for calls in TRANSITIONS.values() for state in calls.values()} <= set(TRANSITIONS)
    assert {call for calls in TRANSITIONS.values() for call in calls} == set(CALLS)


@pytest.mark.parametrize("state", TRANSITIONS)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_the_table_does_not_have_is_refused(state: str, call: str) -> None:
    assert (forbidden(state, call, "x") is None) == (call in TRANSITIONS[state])


def test_a_refusal_names_the_states_as_aws_does() -> None:
    """Observed with AWS's Runtime Interface Emulator."""
    expected = "State transition from Ready to Ready failed for extension x. Error: State transition is not allowed"

    assert forbidden("Ready", "next", "x") == expected
    assert "from Started to Exited " in (forbidden("Started", "exit/error", "x") or "")
