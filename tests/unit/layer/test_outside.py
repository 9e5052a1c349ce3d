from typing import Any

from lambda_streamify.outside import call


def test_a_plain_value_is_returned_as_it_is() -> None:
    value: list[Any] = [1]
    assert call(lambda *_: value, ({}, None), {}) is value
