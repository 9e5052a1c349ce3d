"""Plans and states as `terraform show -json` prints them, with resources of the provider for AWS.

The shapes are those of Terraform 1.11.4: a value that is not known yet is missing in `planned_values`, and `true` in
`after_unknown`. That provider cannot be had in the tests, so the real program plans resources of its own
(`terraform_data`), and `as_aws` gives their inputs the types that their names say.
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FORMAT = {"format_version": "1.2", "terraform_version": "1.11.4"}
_NAME = re.compile(r"terraform_data\.(aws_\w+?|archive_file)__(\w+)")


def resource(address: str, values: Mapping[str, Any], *, mode: str = "managed") -> dict[str, Any]:
    """Return a resource of the root module, as `planned_values` and `values` have it."""
    type_, name = address.removeprefix("data.").partition("[")[0].split(".")
    found: dict[str, Any] = {"address": address, "mode": mode, "type": type_, "name": name, "values": dict(values)}
    if "[" in address:
        found["index"] = json.loads(address.partition("[")[2].rstrip("]"))
    return found


def function(name: str, **values: Any) -> dict[str, Any]:
    """Return a function with the values that the provider fills in."""
    defaults = {
        "function_name": name,
        "filename": "app.zip",
        "handler": "app.handler",
        "runtime": "python3.12",
        "memory_size": 128,
        "timeout": 3,
        "package_type": "Zip",
        "reserved_concurrent_executions": -1,
        "layers": None,
        "environment": [],
        "vpc_config": [],
        "image_uri": None,
        "s3_bucket": None,
        "s3_key": None,
    }
    return resource(f"aws_lambda_function.{name}", {**defaults, **values})


def state(*resources: Mapping[str, Any], modules: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return what is shown of a state."""
    return {**FORMAT, "values": {"root_module": {"resources": list(resources), "child_modules": list(modules)}}}


def plan(
    *resources: Mapping[str, Any],
    unknown: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
    data: Sequence[Mapping[str, Any]] = (),
    modules: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return what is shown of a plan; `unknown` has the `after_unknown` of resources by their addresses."""
    changes = [
        {"address": address, "change": {"actions": ["create"], "before": None, "after_unknown": after}}
        for address, after in (unknown or {}).items()
    ]
    return {
        **FORMAT,
        "planned_values": {"root_module": {"resources": list(resources), "child_modules": list(modules)}},
        "resource_changes": changes,
        "prior_state": {**FORMAT, "values": {"root_module": {"resources": list(data)}}},
        "configuration": configuration or {},
    }


def terraform(folder: Path, *arguments: str, environment: Mapping[str, str]) -> str:
    """Return what the real program prints."""
    done = subprocess.run(
        ["terraform", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def as_aws(text: str) -> str:
    """Return the output with each `terraform_data.TYPE__NAME` as a resource TYPE.NAME whose values are its input."""
    return json.dumps(_as_aws(json.loads(_NAME.sub(r"\1.\2", text).replace(".output", ""))))


def _as_aws(part: Any) -> Any:
    if isinstance(part, list):
        return [_as_aws(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: _as_aws(value) for key, value in part.items()}
    if found.get("type") == "terraform_data" and "__" in str(found.get("name")):
        found["type"], _, found["name"] = found["name"].partition("__")
        if "values" in found:
            found["values"] = found["values"].get("input") or {}
        if "change" in found:
            unknown = found["change"]["after_unknown"]
            found["change"]["after_unknown"] = unknown.get("input", {}) if isinstance(unknown, dict) else unknown
        if "expressions" in found:
            named = found["expressions"].get("input", {})
            found["expressions"] = {"function_name": named, "layers": named}
    return found
