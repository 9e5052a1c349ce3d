import pytest

from lambda_streamify_emulator import terminal


def test_results_go_to_standard_output_and_everything_else_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.chunk(1.5, "chunk")
    terminal.say("saying")
    terminal.complain("complaint")
    terminal.log("hello", "line")

    output, errors = capsys.readouterr()
    assert output == "   1.500 s  chunk\n"
    assert errors == "saying\nerror: complaint\nhello | line\n"


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/]", ":smile:", "x" * 500, "a  b", "\\[x]"])
def test_text_is_printed_as_it_stands(capsys: pytest.CaptureFixture[str], text: str) -> None:
    terminal.log(text, text)
    terminal.complain(text)
    terminal.chunk(0, text)

    output, errors = capsys.readouterr()
    assert output == f"   0.000 s  {text}\n"
    assert errors == f"{text} | {text}\nerror: {text}\n"


def test_a_chunk_of_several_lines_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.chunk(12.3456, "one\n\ntwo\n")
    terminal.chunk(0, "\n")

    assert capsys.readouterr().out == "  12.346 s  one\n            \n            two\n   0.000 s  \n"
