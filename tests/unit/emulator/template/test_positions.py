import pytest

from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.positions import Positions

TEXT = """\
# a comment
Resources:
  Hello:
    Type: !Sub a
    Layers:
      - !Ref One
      - {Two: 2,
         Three: 3}
    Cors: &cors
      AllowOrigins: ["*"]
  Other:
    Cors: *cors
    More:
      <<: *cors
      Type: b
    Twice: 1
    Twice: 2
    5: !GetAtt [a, b]
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("Resources",), 2),
        (("Resources", "Hello", "Type"), 4),
        (("Resources", "Hello", "Layers", 0), 6),
        (("Resources", "Hello", "Layers", 1, "Three"), 8),
        (("Resources", "Other", "Cors"), 12),
        (("Resources", "Other", "Cors", "AllowOrigins"), 10),
        (("Resources", "Other", "More", "AllowOrigins"), 10),
        (("Resources", "Other", "More", "Type"), 15),
        (("Resources", "Other", "Twice"), 17),
        (("Resources", "Other", 5), 18),
        (("Resources", "Hello", "Layers", 2), None),
        (("Resources", "Hello", "Type", "Nil"), None),
        (("Nil",), None),
        ((), None),
    ],
)
def test_the_line_of_a_key(path: tuple[str | int, ...], line: int | None) -> None:
    assert Positions(TEXT).find(path) == line


@pytest.mark.parametrize(
    ("path", "line", "depth"),
    [
        (("Resources", "Hello", "Nil", "Nil"), 3, 2),
        (("Resources", "Hello", "Type", "Nil"), 4, 3),
        (("Nil", "Type"), 1, 0),
        (("Resources", "Hello", "Layers", 7), 5, 3),
    ],
)
def test_the_line_of_what_is_nearest(path: tuple[str | int, ...], line: int, depth: int) -> None:
    assert Positions(TEXT).nearest(path) == line
    assert Positions(TEXT).depth(path) == depth


def test_json_has_lines_too() -> None:
    assert Positions('{\n "A": {\n  "B": [1,\n   2]}}').find(("A", "B", 1)) == 4


def test_a_document_within_itself_is_followed_no_further_than_the_path() -> None:
    assert Positions("A: &a\n  B: *a\n").find(("A", "B", "B", "B")) == 2
    assert Positions("A: &a\n  <<: *a\n  B: 1\n").find(("A", "C")) is None


def test_an_empty_document_has_no_lines() -> None:
    assert Positions("").find(("A",)) is None
    assert Positions("").nearest(("A",)) == 1


def test_what_is_no_yaml_is_an_error() -> None:
    with pytest.raises(TemplateError):
        Positions("a: [")
