import pytest

from lambda_streamify_emulator.attach.marks import Mark, from_tags, to_tags, unfit

LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"


@pytest.mark.parametrize(
    "mark",
    [
        Mark("in-place-buffered"),
        Mark("alias", "streaming", LAYER, "NONE", 3, {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel-instrument"}),
    ],
)
def test_a_mark_comes_back_from_its_tags(mark: Mark) -> None:
    assert from_tags({"team": "a", **to_tags(mark)}) == mark


def test_other_tags_are_no_mark() -> None:
    assert from_tags({"team": "a"}) is None


@pytest.mark.parametrize(
    ("value", "fits"), [("/opt/a b_c=1+2@x.y:z-", True), ("a\tb", False), ("ä;", False), ("x" * 257, False)]
)
def test_a_value_that_no_tag_can_hold_is_named(value: str, fits: bool) -> None:  # noqa: FBT001
    assert unfit(Mark("in-place", variables={"V": value})) == (None if fits else "V")
