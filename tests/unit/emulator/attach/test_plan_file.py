import json
from pathlib import Path

import pytest

from lambda_streamify_emulator.attach.plan import Plan
from lambda_streamify_emulator.attach.plan_file import PlanFile, default_path
from lambda_streamify_emulator.errors import AttachError

PLAN = Plan(
    "orders", "arn:aws:lambda:us-east-1:123456789012:function:orders", "alias", "streaming", [], {"version": "3"}
)


def test_a_plan_is_kept_and_removed(tmp_path: Path) -> None:
    file = PlanFile(tmp_path / "plan")
    assert file.load() is None

    file.save(PLAN)
    assert file.load() == PLAN
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]
    assert file.path.stat().st_mode & 0o077 == 0

    file.remove()
    file.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_default_is_named_after_the_function() -> None:
    assert default_path("orders") == Path("streamify-attach-orders.json")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is not a plan of streamify"),
        ("[]", "is not a plan of streamify"),
        ('{"version": 1, "plan": {}}', "is not a plan of streamify"),
        (json.dumps({"version": 2, "plan": {}}), "by a later version"),
    ],
)
def test_another_file_is_refused_and_named(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "plan"
    path.write_text(content)
    with pytest.raises(AttachError, match=problem) as raised:
        PlanFile(path).load()
    assert str(path) in str(raised.value)


def test_a_place_that_cannot_be_written_is_named_and_the_old_plan_stays(tmp_path: Path) -> None:
    with pytest.raises(AttachError, match="cannot be written"):
        PlanFile(tmp_path / "none" / "plan").save(PLAN)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(AttachError, match="cannot be read"):
        PlanFile(folder).load()
    with pytest.raises(AttachError, match="cannot be written"):
        PlanFile(folder).save(PLAN)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
