from pathlib import Path

import pytest

from checked_template import GOOD, MODE, RUNTIME, TIMEOUT, check, rules, the_one, with_change

TENANCY = (TIMEOUT, f"{TIMEOUT}      TenancyConfig: {{TenantIsolationMode: PER_TENANT}}\n")


def test_a_runtime_that_is_deprecated(tmp_path: Path) -> None:
    text = with_change((RUNTIME, "      Runtime: python3.10\n"))

    found = the_one(tmp_path, text, rule="deprecated-runtime", at="python3.10")

    assert found.severity == "warning"
    assert "2026-11-30" in found.problem


@pytest.mark.parametrize("runtime", ["python3.7", "python3.9", "python3.99", "python", "pyton3.12", "Python3.12"])
def test_a_runtime_that_aws_does_not_have(tmp_path: Path, runtime: str) -> None:
    text = with_change((RUNTIME, f"      Runtime: {runtime}\n"))

    (found,) = [finding for finding in check(tmp_path, text) if finding.rule == "unknown-runtime"]

    assert found.severity == "error"
    assert found.fix.startswith("Runtime: python3.1")


@pytest.mark.parametrize("runtime", ["python3.11", "python3.14", "python3.15", "nodejs22.x", "provided.al2023"])
def test_a_runtime_that_it_has(tmp_path: Path, runtime: str) -> None:
    assert check(tmp_path, with_change((RUNTIME, f"      Runtime: {runtime}\n"))) == []


def test_tenant_isolation_and_a_url(tmp_path: Path) -> None:
    found = the_one(tmp_path, with_change(TENANCY), rule="tenant-url", at="FunctionUrlConfig")

    assert found.severity == "error"


def test_tenant_isolation_without_a_url(tmp_path: Path) -> None:
    text = with_change(TENANCY, (f"      FunctionUrlConfig:\n        AuthType: AWS_IAM\n{MODE}", ""))

    assert rules(check(tmp_path, text)) == []
    assert check(tmp_path, GOOD) == []
