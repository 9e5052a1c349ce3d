"""`streamify attach` and `detach`, stopped at each change: refused before it, or cut off before its answer comes."""

import json
from pathlib import Path
from typing import Any

import pytest

from attaching import WAYS, attach, furnish, streamify
from lambda_streamify_emulator.commands.attach_session import Output
from moto_lambda import LATEST, LambdaCloud, throttled

# How many changes each way makes, with a public URL; a test counts them.
CHANGES = {"in-place": 5, "alias": 8, "second-function": 4, "in-place-buffered": 2}
HALF_WAY = [(via, number) for via in WAYS for number in range(1, CHANGES[via] + 1)]


@pytest.mark.parametrize("via", WAYS)
def test_each_change_of_each_way_is_stopped_at(cloud: LambdaCloud, via: str) -> None:
    furnish(cloud, via)
    before = cloud.changes

    attach(cloud, "--auth", "none", via=via)

    assert cloud.changes - before == CHANGES[via]


def stop(cloud: LambdaCloud, via: str, number: int, how: str) -> dict[str, Any]:
    """Attach, but be stopped at a change; return what there was before."""
    furnish(cloud, via)
    before = cloud.everything()
    if how == "refused":
        cloud.refuse_at = cloud.changes + number
    else:
        cloud.interrupt_after = cloud.changes + number
    result = attach(cloud, "--auth", "none", via=via)
    assert result.exit_code == 3, (result.exit_code, result.output)
    assert "--resume" in result.stderr
    cloud.refuse_at = cloud.interrupt_after = None
    return before


@pytest.fixture(scope="module")
def in_one_go() -> dict[str, str]:
    """What there is after a way was gone without a stop, in text, by the way."""
    return {}


@pytest.mark.parametrize("how", ["refused", "interrupted"])
@pytest.mark.parametrize(("via", "number"), HALF_WAY)
def test_resume_completes_what_was_stopped(
    cloud: LambdaCloud, via: str, number: int, how: str, in_one_go: dict[str, str]
) -> None:
    stop(cloud, via, number, how)

    assert streamify("attach", "orders", "--resume", "--yes").exit_code == 0

    completed = without_numbers(cloud.everything())
    if via not in in_one_go:
        streamify("detach", "orders", "--yes")
        assert attach(cloud, "--auth", "none", via=via).exit_code == 0
        in_one_go[via] = without_numbers(cloud.everything())
    assert completed == in_one_go[via]


def test_what_was_stopped_is_not_begun_again(cloud: LambdaCloud) -> None:
    stop(cloud, "alias", 3, "refused")
    changes = cloud.changes

    result = attach(cloud)

    assert (result.exit_code, cloud.changes) == (2, changes)
    assert "half-way" in result.stderr


@pytest.mark.parametrize("how", ["refused", "interrupted"])
@pytest.mark.parametrize(("via", "number"), HALF_WAY)
def test_detach_takes_back_what_was_stopped(cloud: LambdaCloud, via: str, number: int, how: str) -> None:
    before = stop(cloud, via, number, how)

    result = streamify("detach", "orders", "--yes")

    assert result.exit_code == 0, result.output
    assert cloud.everything() == before


@pytest.mark.parametrize(("via", "number"), HALF_WAY)
def test_detach_takes_it_back_also_without_the_plan_file(
    cloud: LambdaCloud, via: str, number: int, tmp_path: Path
) -> None:
    before = stop(cloud, via, number, "interrupted")
    (tmp_path / "streamify-attach-orders.json").unlink()

    result = streamify("detach", "orders", "--yes")

    assert result.exit_code == 0, result.output
    assert cloud.everything() == before


@pytest.mark.parametrize(("via", "number"), HALF_WAY)
def test_a_detach_that_was_stopped_goes_on(cloud: LambdaCloud, via: str, number: int) -> None:
    furnish(cloud, via)
    before = cloud.everything()
    attach(cloud, "--auth", "none", via=via)
    cloud.refuse_at = cloud.changes + number
    stopped = streamify("detach", "orders", "--yes")
    cloud.refuse_at = None

    finished = streamify("detach", "orders", "--yes")

    assert (stopped.exit_code in (0, 3), finished.exit_code) == (True, 0), stopped.output + finished.output
    assert cloud.everything() == before


def without_numbers(found: Any) -> str:
    """As text, without what differs from one attachment to the next."""
    text = json.dumps(found, sort_keys=True)
    for url in {each["FunctionUrl"] for one in found.values() for each in one["urls"].values() if each}:
        text = text.replace(url, "URL")
    return text


def test_throttling_is_named(cloud: LambdaCloud) -> None:
    furnish(cloud, "alias")
    cloud.refuse_at, cloud.refused = cloud.changes + 3, throttled

    result = attach(cloud)

    assert result.exit_code == 3
    assert "throttles lambda:PublishVersion" in result.stderr


@pytest.mark.parametrize("via", ["in-place", "alias"])
def test_what_somebody_else_has_made_meanwhile_is_neither_taken_nor_deleted(
    cloud: LambdaCloud, via: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the plan and its step, the same URL or alias is made by another."""
    furnish(cloud, via)
    before = cloud.everything()

    def agreed(*_: object) -> bool:
        if via == "alias":
            version = cloud.client.list_aliases(FunctionName="orders")["Aliases"][0]["FunctionVersion"]
            cloud.client.create_alias(FunctionName="orders", Name="streaming", FunctionVersion=version)
        else:
            cloud.url()
        return True

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Output, "agreed", agreed)
        result = attach(cloud, via=via)

    assert (result.exit_code, "by now" in result.stderr) == (3, True), result.output
    made = cloud.all_of("orders")["urls"][LATEST], cloud.all_of("orders")["aliases"]
    assert streamify("detach", "orders", "--yes").exit_code == 0
    assert (cloud.all_of("orders")["urls"][LATEST], cloud.all_of("orders")["aliases"]) == made
    assert cloud.all_of("orders")["configuration"] == before["orders"]["configuration"]
