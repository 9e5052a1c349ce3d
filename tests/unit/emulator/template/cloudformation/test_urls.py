import textwrap
from pathlib import Path

from lambda_streamify_emulator.template.reader import Template, load_template

FUNCTION = """
Resources:
  Hello:
    Type: AWS::Lambda::Function
    Properties: {Handler: app.handler, Runtime: python3.13, Code: .}
"""


def load(folder: Path, resources: str) -> Template:
    path = folder / "template.yaml"
    path.write_text(FUNCTION + textwrap.indent(textwrap.dedent(resources), "  "))
    return load_template(path)


def test_a_url_leads_to_its_function_by_name_arn_or_alias(tmp_path: Path) -> None:
    for target in ("Hello", "!Ref Hello", "!GetAtt Hello.Arn", "!Ref Live", "!Sub '${Hello.Arn}:live'"):
        template = load(
            tmp_path,
            f"""
            Live: {{Type: AWS::Lambda::Alias, Properties: {{FunctionName: !GetAtt Hello.Arn, Name: live}}}}
            Url: {{Type: AWS::Lambda::Url, Properties: {{TargetFunctionArn: {target}, AuthType: AWS_IAM}}}}
            """,
        )

        assert (template.functions[0].invoke_mode, template.functions[0].auth_type) == ("BUFFERED", "AWS_IAM")
        assert template.left_out == ()


def test_a_url_that_is_not_served_is_named_with_the_reason(tmp_path: Path) -> None:
    template = load(
        tmp_path,
        """
        Bad: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref Hello, AuthType: open}}
        First: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref Hello, InvokeMode: RESPONSE_STREAM}}
        Second: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref Hello, Qualifier: live}}
        Elsewhere: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !ImportValue x}}
        """,
    )

    assert template.functions[0].invoke_mode == "RESPONSE_STREAM"
    assert template.left_out == (
        "Bad is left out: AuthType: 'open' is not NONE or AWS_IAM",
        "Second is left out: Hello has a URL, and the emulator serves one for a function",
        "Elsewhere is left out: its TargetFunctionArn is no function that is served",
    )
