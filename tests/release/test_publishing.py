"""The layer in each region, by boto3 as it is, on moto in a process of its own."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copy
from zipfile import ZipFile

import boto3
import pytest

from layer_build import make_zip
from moto_cloud import MotoCloud, moto_cloud
from processes import ROOT, clean_environment, run
from release.building import SUPPORTED, require_bytecode
from release.errors import ReleaseError
from release.layer_arns import PAGE, page, read
from release.layer_settings import layer_settings
from release.preparing import REGIONS
from release.version import read_version
from release_repository import Repository

VERSION = read_version(ROOT)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoCloud]:
    with moto_cloud(tmp_path_factory.mktemp("moto") / "log") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_zip(tmp_path_factory.mktemp("dist"))


def publish(cloud: MotoCloud, repository: Repository, archive: Path, regions: str) -> str:
    """Return what `make publish-layers` prints, with the zip where `make release-layer` leaves it."""
    place = repository.root.parent / "dist" / "release" / "layer"
    place.mkdir(parents=True, exist_ok=True)
    copy(archive, place)
    ran = repository.make("--silent", "publish-layers", f"REGIONS={regions}", **cloud.variables)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_account_may_use_what_is_published_and_again_publishes_nothing(
    cloud: MotoCloud, repository: Repository, archive: Path
) -> None:
    first = publish(cloud, repository, archive, "eu-west-1 us-east-1")
    again = publish(cloud, repository, archive, "eu-west-1 us-east-1")

    arn = "arn:aws:lambda:{}:123456789012:layer:streamify:1"
    assert first == again == f"{arn.format('eu-west-1')}\n{arn.format('us-east-1')}\n"
    published = cloud.client("lambda").get_layer_version(LayerName="streamify", VersionNumber=1)
    settings = layer_settings(ROOT)
    assert {name: published[name] for name in settings if name != "LayerName"} == {
        name: value for name, value in settings.items() if name != "LayerName"
    }
    policy = cloud.client("lambda").get_layer_version_policy(LayerName="streamify", VersionNumber=1)["Policy"]
    (statement, *_) = json.loads(policy)["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "lambda:GetLayerVersion")
    assert statement["Principal"] == "*"
    assert statement["Resource"] == arn.format("us-east-1")


def test_the_arns_are_written_as_data_and_as_a_page(cloud: MotoCloud, repository: Repository, archive: Path) -> None:
    publish(cloud, repository, archive, "eu-west-1")
    publish(cloud, repository, archive, "us-east-1")

    arns = read(repository.root)[VERSION]
    assert list(arns) == ["eu-west-1", "us-east-1"]
    for region, arn in arns.items():
        assert f"| `{region}` | `{arn}` |\n" in (repository.root / PAGE).read_text()


@pytest.mark.parametrize("version", ["98.7.6", f"1{VERSION}", f"{VERSION}rc1"])
def test_a_zip_of_another_version_is_not_published(cloud: MotoCloud, tmp_path: Path, version: str) -> None:
    other = tmp_path / f"streamify-layer-{version}.zip"
    command = (sys.executable, "-m", "release", "publish-layer", other)

    printed = run(*command, env=clean_environment(**cloud.variables), status=1)

    assert printed == f"error: {other.name} is not the layer of {VERSION}, or this is a trial version\n"


def test_a_layer_without_bytecode_of_a_supported_python_is_named(archive: Path) -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    require_bytecode(archive, (own,))

    missing = [version for version in SUPPORTED if version != own]
    with pytest.raises(ReleaseError, match=f"has no bytecode for Python {', '.join(missing)}: "):
        require_bytecode(archive, SUPPORTED)


def test_a_layer_that_lacks_the_bytecode_of_one_module_is_refused(archive: Path, tmp_path: Path) -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    with ZipFile(archive) as whole, ZipFile(tmp_path / "layer.zip", "w") as lacking:
        for name in whole.namelist():
            if not name.endswith(f"errors.cpython-{own.replace('.', '')}.pyc"):
                lacking.writestr(name, whole.read(name))

    with pytest.raises(ReleaseError, match=f"has no bytecode for Python {own}: "):
        require_bytecode(tmp_path / "layer.zip", (own,))


def test_the_regions_are_ones_that_have_lambda() -> None:
    regions = json.loads(REGIONS.read_text())

    assert regions == sorted(set(regions))
    assert set(regions) <= set(boto3.Session().get_available_regions("lambda"))


def test_the_supported_pythons_are_the_layers_runtimes() -> None:
    assert [f"python{version}" for version in SUPPORTED] == layer_settings(ROOT)["CompatibleRuntimes"]


def test_the_page_of_the_layers_arns_is_the_one_of_its_data() -> None:
    assert (ROOT / PAGE).read_text() == page(read(ROOT))
