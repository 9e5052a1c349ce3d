"""What is served, as a template of SAM or CloudFormation: other forms are translated into one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TemplateError

if TYPE_CHECKING:
    from .positions import Positions

TEMPLATE, SERVERLESS, TERRAFORM, HANDLERS = "a template", "serverless.yml", "Terraform", "handlers"
"""The forms."""
Resources = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Declaration:
    """The sections of a template, and the file at `path`, whose text is `text`, that they come from.

    Relative paths in the template begin in the folder of `path`.
    """

    path: Path
    document: Mapping[str, Any]
    form: str = TEMPLATE
    text: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The values of the template's parameters, if they are not their defaults."""
    notices: tuple[str, ...] = ()
    """Messages about what is not translated."""

    def positions(self) -> "Positions":
        """Return where the template's keys stand in the text. Raises TemplateError if that cannot be found."""
        if self.form == SERVERLESS:
            from .serverless.positions import ServerlessPositions

            return ServerlessPositions(self.text)
        from .positions import Positions

        return Positions(self.text if self.form == TEMPLATE else "")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise TemplateError for what goes wrong while a document with values of any kind is read."""
    try:
        yield
    except RecursionError:
        raise TemplateError(f"{path}: something in it refers to itself") from None
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise TemplateError(f"{path}: it cannot be read as a template: {error}") from error
