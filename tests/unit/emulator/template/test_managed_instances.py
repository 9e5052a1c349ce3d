import textwrap
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.changes import changes
from lambda_streamify_emulator.template.reader import Template, load_template

SAM = "AWS::Serverless::Function"
ARN = "{Fn::GetAtt: [Provider, Arn]}"


def load(folder: Path, config: str, memory: int = 4096, kind: str = SAM) -> Template:
    """Return a template with one function that has this CapacityProviderConfig."""
    (folder / "code").mkdir(exist_ok=True)
    code = "CodeUri: code" if kind == SAM else "Code: code"
    (folder / "template.yaml").write_text(
        textwrap.dedent(f"""
            Parameters: {{Many: {{Type: Number, Default: 7}}}}
            Conditions: {{IsManaged: !Equals [!Ref Many, "8"]}}
            Resources:
              Hello:
                Type: {kind}
                Properties:
                  Handler: app.handler
                  Runtime: python3.13
                  {code}
                  MemorySize: {memory}
                  CapacityProviderConfig: {config}
        """)
    )
    return load_template(folder / "template.yaml")


def read(folder: Path, config: str, memory: int = 4096, kind: str = SAM) -> int | None:
    template = load(folder, config, memory, kind)
    assert not template.unresolved
    (function,) = template.functions
    return function.max_concurrency


def test_a_sam_function_says_how_many_run_at_a_time(tmp_path: Path) -> None:
    assert read(tmp_path, f"{{Arn: {ARN}, PerExecutionEnvironmentMaxConcurrency: 12}}") == 12
    assert read(tmp_path, f"{{Arn: {ARN}, PerExecutionEnvironmentMaxConcurrency: !Ref Many}}") == 7


def test_so_does_a_function_of_cloudformation(tmp_path: Path) -> None:
    config = f"{{CapacityProviderArn: {ARN}, PerExecutionEnvironmentMaxConcurrency: 12}}"
    nested = f"{{LambdaManagedInstancesCapacityProviderConfig: {config}}}"

    assert read(tmp_path, nested, kind="AWS::Lambda::Function") == 12


@pytest.mark.parametrize(
    ("memory", "ratio", "expected"),
    [(2048, "", 16), (4096, "", 32), (8192, ", ExecutionEnvironmentMemoryGiBPerVCpu: 4", 32), (128, "", 16)],
)
def test_by_default_it_is_16_for_each_vcpu(tmp_path: Path, memory: int, ratio: str, expected: int) -> None:
    assert read(tmp_path, f"{{Arn: {ARN}{ratio}}}", memory) == expected


@pytest.mark.parametrize("config", ["!Ref AWS::NoValue", "!If [IsManaged, {Arn: a}, !Ref AWS::NoValue]", "{}"])
def test_other_functions_run_on_demand(tmp_path: Path, config: str) -> None:
    assert read(tmp_path, config) is None


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("many", "it is text instead of a mapping"),
        ("{PerExecutionEnvironmentMaxConcurrency: many}", "'many' is not a number of invocations"),
        ("{PerExecutionEnvironmentMaxConcurrency: 0}", "0 is not a number of invocations"),
        ("{PerExecutionEnvironmentMaxConcurrency: 1601}", "1601 is more than 1600"),
    ],
)
def test_a_wrong_value_is_reported_with_its_place(tmp_path: Path, config: str, problem: str) -> None:
    with pytest.raises(TemplateError) as raised:
        read(tmp_path, config)
    assert "Hello: CapacityProviderConfig" in str(raised.value)
    assert str(raised.value).endswith(problem)


def test_a_change_of_the_number_is_named(tmp_path: Path) -> None:
    before = load(tmp_path, "{PerExecutionEnvironmentMaxConcurrency: 2}")
    after = load(tmp_path, "{PerExecutionEnvironmentMaxConcurrency: 3}")

    assert changes(before, after, {}) == ["Hello: PerExecutionEnvironmentMaxConcurrency (2 to 3) changed"]
