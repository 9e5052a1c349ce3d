from invoking import FUNCTION_URL, invoke


def test_a_value_is_answered_as_its_caller_is_to_get_it() -> None:
    assert invoke(lambda *_: "x", FUNCTION_URL).sent.content == b"x"
