import pytest

from lambda_streamify._response import header_fields
from lambda_streamify._response.header_fields import DROPPED, checked, checked_list, lower_name
from lambda_streamify.errors import ResponseError


@pytest.mark.parametrize("name", ["Connection", "TRANSFER-ENCODING", "x-amzn-Remapped-Date", "Content-Length"])
def test_a_header_of_the_connection_is_dropped_however_it_is_written(name: str) -> None:
    assert lower_name(name) in DROPPED
    assert lower_name(name) in DROPPED  # the second time it is remembered


def test_the_names_that_a_function_makes_up_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[object, str] = {}
    monkeypatch.setattr(header_fields, "LOWER_NAMES", names)

    assert [lower_name(f"X-{n}") for n in range(1000)] == [f"x-{n}" for n in range(1000)]
    assert 0 < len(names) < 1000
    with pytest.raises(ResponseError, match="is not a header name"):
        lower_name("a b")
    assert "a b" not in names


def test_each_of_several_values_is_checked() -> None:
    assert checked_list("x", ["a", 5, True]) == ["a", "5", "true"]
    with pytest.raises(ResponseError, match="line break"):
        checked_list("x", ["a", "b\n"])
    assert checked("x", "caf\u00e9\t") == "caf\u00e9\t"
