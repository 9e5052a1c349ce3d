"""The help of commands: its paragraphs fill the terminal, and options without a value are shown without its type."""

from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from collections.abc import Iterable


class Command(TyperCommand):
    """A command whose help shows `--json` and not `--json <bool>`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.help is not None:
            # typer's rich help keeps the source's line breaks behind the first paragraph, and breaks the lines again.
            self.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in self.help.split("\n\n"))

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, for parsing and for the help."""
        return _without_types_of_flags(super().get_params(ctx))


class Group(TyperGroup):
    """The program itself, whose help shows its flags in the same way."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, for parsing and for the help."""
        return _without_types_of_flags(super().get_params(ctx))


def _without_types_of_flags(parameters: "Iterable[Any]") -> list[Any]:
    found = list(parameters)
    for parameter in found:
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            parameter.metavar = ""  # rich's column of types shows it, and nothing else does
    return found
