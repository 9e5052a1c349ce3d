import pytest

from lambda_streamify_emulator.attach.managed import refusal
from lambda_streamify_emulator.attach.snapshot import Function

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"
STACK = {"aws:cloudformation:stack-name": "shop"}


def said(tags: dict[str, str], wrapper: str | None = None) -> str | None:
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": wrapper} if wrapper else {}
    return refusal(Function("orders", ARN, tags=tags, variables=variables), "LAYER")


@pytest.mark.parametrize(
    ("tags", "tool", "line"),
    [
        ({**STACK, "lambda:createdBy": "SAM"}, "SAM deploys", "    AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify"),
        (
            {**STACK, "STAGE": "dev", "aws:cloudformation:logical-id": "OrdersLambdaFunction"},
            "the Serverless Framework deploys",
            "  AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify",
        ),
        (
            {**STACK, "aws:cloudformation:logical-id": "Orders1A2B3C4D"},
            "the CDK deploys",
            '    "AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify",',
        ),
        ({**STACK, "aws:cloudformation:logical-id": "Orders"}, "CloudFormation deploys", "  - LAYER"),
        ({"managed-by": "Terraform"}, "Terraform deploys", 'layers = ["LAYER"]'),
    ],
)
def test_the_tool_is_told_by_its_tags_and_gets_its_own_lines(tags: dict[str, str], tool: str, line: str) -> None:
    text = said(tags)
    assert text is not None
    assert tool in text
    assert line in text.split("\n")
    assert ("in the stack shop" in text) == (STACK.items() <= tags.items())


def test_another_wrapper_is_kept_in_the_lines() -> None:
    assert "    STREAMIFY_NEXT_WRAPPER: /opt/otel-instrument" in (said(STACK, "/opt/otel-instrument") or "")


@pytest.mark.parametrize("tags", [{}, {"team": "a"}, {"Terraform": "false"}, {"created-by": "anna"}])
def test_other_tags_show_no_tool(tags: dict[str, str]) -> None:
    assert said(tags) is None
