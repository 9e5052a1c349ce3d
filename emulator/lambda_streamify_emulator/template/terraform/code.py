"""Where the code of a function and the content of a layer lie on this machine, as far as Terraform's JSON says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...caching.archives import unpack_once
from ...errors import BuildError, TemplateError
from .shown import Resource

_ARCHIVE = "archive_file"


class CodeFinder:
    """Finds the files that `resources` name. Relative paths begin in the folder of `path`, else in the present one."""

    def __init__(self, path: Path, resources: Sequence[Resource]) -> None:
        self._folder = path.parent
        # The resource and the data source of the provider `archive`: zip files that Terraform makes of folders.
        self._sources = {
            str(found.values["output_path"]): str(found.values["source_dir"])
            for found in resources
            if found.type == _ARCHIVE and found.values.get("output_path") and found.values.get("source_dir")
        }

    def metadata(self, resource: Resource) -> dict[str, Any]:
        """Return the Metadata with the place of the code, in the form that the CDK has for what needs no build.

        Raises TemplateError if the code is not on this machine.
        """
        return {"aws:asset:path": str(self.place(resource))}

    def place(self, resource: Resource) -> Path:
        """Return the folder from which Terraform makes the archive, or a folder with what the archive contains."""
        if resource.is_unknown("filename"):
            raise TemplateError("its filename is known only after `terraform apply`: serve the state")
        name = resource.values.get("filename")
        if not isinstance(name, str):
            bucket, key = resource.values.get("s3_bucket"), resource.values.get("s3_key")
            raise TemplateError(f"its code is in S3 (s3://{bucket}/{key}), and the emulator reads files: use filename")
        source = self._sources.get(name)
        folder = None if source is None else self._existing(source)
        if folder is not None and folder.is_dir():
            return folder
        archive = self._existing(name)
        if archive is None:
            raise TemplateError(f"its filename {name} is not there: build it first, and run this in Terraform's folder")
        try:
            return unpack_once(archive)
        except BuildError as error:
            raise TemplateError(f"its filename {error}") from error

    def _existing(self, name: str) -> Path | None:
        places = (self._folder / name, Path(name))
        return next((place.resolve() for place in places if place.exists()), None)
