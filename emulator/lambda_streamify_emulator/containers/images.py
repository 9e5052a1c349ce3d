"""The images of functions: the engine has one or pulls it, and it may be built again."""

from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ..errors import BuildError
from ..processes.groups import start_in_group
from ..template.images import Image
from .engine import Engine, client_environment, reason

if TYPE_CHECKING:
    from subprocess import CompletedProcess


def have_image(
    engine: Engine,
    image: Image,
    run: Callable[[list[str]], "CompletedProcess[str]"],
    pulling: Callable[[str], AbstractContextManager[None]],
) -> None:
    """Make sure that the engine has the image: pull it if not. Raises BuildError with the reason.

    `run` runs a program. `pulling` is entered with a description of the pull for as long as it takes.
    """
    if not run(_inspection(engine, image)).returncode:
        return
    if image.is_built_by_sam:
        raise BuildError(f"Docker has no image {image.uri}: run `sam build`")
    with pulling(f"the image {image.uri} with docker pull"):
        done = run([engine.program, "pull", "--quiet", image.uri])
        if done.returncode:
            raise BuildError(f"Docker has no image {image.uri}, and cannot pull it: {reason(done.stdout)}")


class ImageWatch:
    """Reports the state of an image, which changes when its name is given to another one, as a build does."""

    def __init__(self, engine: Engine, image: Image) -> None:
        self._engine = engine
        self._image = image

    async def state(self) -> int:
        """Return a hash of the image's id. Raises BuildError if the engine no longer has it."""
        process = await start_in_group(
            0,
            *_inspection(self._engine, self._image),
            env=client_environment(),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise BuildError(f"Docker has no image {self._image.uri}: {reason(output.decode(errors='replace'))}")
        return hash(output)

    async def close(self) -> None:
        """Do nothing: the engine is asked only when the state is."""


def _inspection(engine: Engine, image: Image) -> list[str]:
    return [engine.program, "image", "inspect", "--format", "{{.Id}}", image.uri]
