"""The external extensions of an image, started in the container of the runtime by `docker exec`."""

from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from errno import EACCES
from os import strerror

from ..containers.container import Container
from ..containers.image_files import ImageFile
from ..extensions.environment import hidden_variables
from ..extensions.programs import FOLDER


class ImagePrograms:
    """Programs in /opt/extensions of an image, which has these `files` there."""

    in_container = True

    def __init__(self, container: Container, files: Sequence[ImageFile]) -> None:
        self._container = container
        self._files = {file.name: file for file in files}

    def names(self) -> list[str]:
        """Return the names of the files."""
        return sorted(self._files)

    async def can_start(self) -> bool:
        """Wait until the container has started; return False if it has ended."""
        return await self._container.started()

    async def start(
        self, name: str, environment: Mapping[str, str], _sandbox: str, _group: int, output: int
    ) -> Process:
        """Start a program in the container. Raises PermissionError if the file cannot be executed."""
        program = f"/opt/{FOLDER}/{name}"
        if not self._files[name].is_executable:
            raise PermissionError(EACCES, strerror(EACCES), program)
        return await self._container.start_program(program, "/opt", hidden_variables(environment), output)

    async def wait(self, process: Process) -> int | None:
        """Wait for the end; return the exit code, negative for a signal, or None if the container has ended."""
        return await self._container.wait_for_program(process)
