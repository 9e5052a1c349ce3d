from pathlib import Path

import pytest

from checked_template import AUTH, GOOD, MODE, TIMEOUT, check, rules, the_one, with_change
from lambda_streamify_emulator.checks.run import check_template
from processes import ROOT

READ_TIMEOUT = "              OriginReadTimeout: 60\n"
ACCESS = "            OriginAccessControlId: !GetAtt Signing.Id\n"
NAME = "            DomainName: !Select [2, !Split [/, !GetAtt HelloUrl.FunctionUrl]]\n"
CACHING = "          CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad\n"
FORWARDING = "          OriginRequestPolicyId: b689b0a8-53d0-40ab-baf2-68738e2966ac\n"
BY_URL = """\
  UrlForCloudFront:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunctionUrl
      FunctionName: !Ref Hello
      Principal: cloudfront.amazonaws.com
      SourceArn: !Sub arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Cdn}
"""
BY_FUNCTION = """\
  ForCloudFront:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !GetAtt Hello.Arn
      Principal: cloudfront.amazonaws.com
      InvokedViaFunctionUrl: true
"""
BEHIND_CLOUDFRONT = f"""\
{GOOD}\
  Signing:
    Type: AWS::CloudFront::OriginAccessControl
    Properties:
      OriginAccessControlConfig:
        {{Name: hello, OriginAccessControlOriginType: lambda, SigningBehavior: always, SigningProtocol: sigv4}}
  Cdn:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Enabled: true
        Origins:
          - Id: Pages
            DomainName: pages.example.com
          - Id: Url
{NAME}{ACCESS}\
            CustomOriginConfig:
              OriginProtocolPolicy: https-only
{READ_TIMEOUT}\
        DefaultCacheBehavior:
          TargetOriginId: Url
          ViewerProtocolPolicy: https-only
{CACHING}{FORWARDING}\
{BY_URL}{BY_FUNCTION}"""


def test_a_distribution_that_signs_and_streams_is_right(tmp_path: Path) -> None:
    assert check(tmp_path, BEHIND_CLOUDFRONT) == []


@pytest.mark.parametrize(
    "name",
    [
        "!Select [2, !Split [/, !GetAtt Url.FunctionUrl]]",
        '!Select [2, !Split [/, !Sub "${Url.FunctionUrl}"]]',
        "!Select [0, !Split [/, !Select [1, !Split [//, !GetAtt Url.FunctionUrl]]]]",
    ],
)
def test_a_url_that_stands_beside_its_function_counts_too(tmp_path: Path, name: str) -> None:
    url = """\
  Url:
    Type: AWS::Lambda::Url
    Properties: {TargetFunctionArn: !Ref Hello, AuthType: AWS_IAM, InvokeMode: RESPONSE_STREAM}
"""
    text = with_change(
        ("      FunctionUrlConfig:\n" + AUTH + MODE, url),
        (NAME, f"            DomainName: {name}\n"),
        (ACCESS, ""),
        text=BEHIND_CLOUDFRONT,
    )

    the_one(tmp_path, text, rule="cloudfront-access", at="Id: Url")


def test_an_origin_that_does_not_sign(tmp_path: Path) -> None:
    text = with_change((ACCESS, ""), text=BEHIND_CLOUDFRONT)

    found = the_one(tmp_path, text, rule="cloudfront-access", at="Id: Url")

    assert (found.severity, found.resources) == ("error", ("Cdn", "Hello"))


def test_an_origin_that_does_not_sign_needs_no_permission_yet(tmp_path: Path) -> None:
    text = with_change((ACCESS, ""), (BY_URL, ""), (BY_FUNCTION, ""), text=BEHIND_CLOUDFRONT)

    assert rules(check(tmp_path, text)) == ["cloudfront-access"]


def test_a_permission_of_another_function_is_none(tmp_path: Path) -> None:
    other = "  Other:\n    Type: AWS::Lambda::Function\n    Properties: {Runtime: nodejs22.x}\n"
    permission = (BY_FUNCTION, BY_FUNCTION.replace("Hello.Arn", "Other.Arn"))

    found = check(tmp_path, with_change(permission, text=BEHIND_CLOUDFRONT) + other)

    assert rules(found) == ["cloudfront-permissions"]


def test_an_origin_that_everybody_may_call_needs_no_signature_and_no_permission(tmp_path: Path) -> None:
    text = with_change(
        (ACCESS, ""), (AUTH, "        AuthType: NONE\n"), (BY_URL, ""), (BY_FUNCTION, ""), text=BEHIND_CLOUDFRONT
    )

    assert check(tmp_path, text) == []


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ([(BY_URL, "")], "CloudFront lambda:InvokeFunctionUrl:"),
        ([(BY_FUNCTION, "")], "CloudFront lambda:InvokeFunction:"),
        ([(BY_URL, ""), (BY_FUNCTION, "")], "lambda:InvokeFunctionUrl and lambda:InvokeFunction:"),
        ([(BY_URL, BY_URL.replace("cloudfront.amazonaws.com", '"123456789012"'))], "lambda:InvokeFunctionUrl:"),
    ],
)
def test_cloudfront_needs_both_permissions(tmp_path: Path, changes: list[tuple[str, str]], missing: str) -> None:
    text = with_change(*changes, text=BEHIND_CLOUDFRONT)

    found = the_one(tmp_path, text, rule="cloudfront-permissions", at="OriginAccessControlId")

    assert found.severity == "error"
    assert missing in found.problem
    written = "".join(f"  {line}\n" for line in found.fix.splitlines())
    assert check(tmp_path, text + written) == [], "what is to be written makes it right"


@pytest.mark.parametrize("policy", ["216adef6-5c7f-47e4-b989-5492eafa07d3", "33f36d7e-f396-46d9-90e0-52428a34d9dc"])
def test_a_policy_that_sends_the_viewers_host(tmp_path: Path, policy: str) -> None:
    text = with_change((FORWARDING, f"          OriginRequestPolicyId: {policy}\n"), text=BEHIND_CLOUDFRONT)

    assert the_one(tmp_path, text, rule="cloudfront-host", at=policy).severity == "error"


@pytest.mark.parametrize("policy", ["658327ea-f89d-4fab-a63d-7e88639e58f6", "b2884449-e4de-46a7-ac36-70bc7f1ddd6d"])
def test_a_policy_that_caches(tmp_path: Path, policy: str) -> None:
    text = with_change((CACHING, f"          CachePolicyId: {policy}\n"), text=BEHIND_CLOUDFRONT)

    found = the_one(tmp_path, text, rule="cloudfront-cache", at=policy)

    assert (found.severity, found.fix.split("  ")[0]) == ("warning", CACHING.strip())


def test_each_behavior_of_the_origin_counts_and_those_of_others_do_not(tmp_path: Path) -> None:
    behaviors = """\
        CacheBehaviors:
          - {PathPattern: /pages/*, TargetOriginId: Pages, CachePolicyId: 658327ea-f89d-4fab-a63d-7e88639e58f6}
          - {PathPattern: /live/*, TargetOriginId: Url, CachePolicyId: 658327ea-f89d-4fab-a63d-7e88639e58f6}
"""
    text = BEHIND_CLOUDFRONT.replace(BY_URL, behaviors + BY_URL)

    the_one(tmp_path, text, rule="cloudfront-cache", at="/live/*")


def test_the_default_behavior_may_cache_what_another_origin_has(tmp_path: Path) -> None:
    text = with_change(
        ("          TargetOriginId: Url\n", "          TargetOriginId: Pages\n"),
        (CACHING, CACHING.replace("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6")),
        text=BEHIND_CLOUDFRONT,
    )

    assert check(tmp_path, text) == []


def test_a_response_that_does_not_stream_may_be_cached(tmp_path: Path) -> None:
    caching = (CACHING, CACHING.replace("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6"))
    text = with_change((MODE, "        InvokeMode: BUFFERED\n"), caching, text=BEHIND_CLOUDFRONT)

    assert rules(check(tmp_path, text)) == ["buffered-url"]


@pytest.mark.parametrize(
    ("written", "said", "at"),
    [
        ("", "is 30 seconds, the default:", "CustomOriginConfig"),
        ("              OriginReadTimeout: 20\n", "is 20 seconds:", "OriginReadTimeout: 20"),
    ],
)
def test_a_stream_that_is_silent_for_half_a_minute_ends(tmp_path: Path, written: str, said: str, at: str) -> None:
    text = with_change((READ_TIMEOUT, written), text=BEHIND_CLOUDFRONT)

    found = the_one(tmp_path, text, rule="cloudfront-timeout", at=at)

    assert (found.severity, found.fix) == ("warning", READ_TIMEOUT.strip())
    assert said in found.problem


def test_more_silence_than_by_default_is_enough(tmp_path: Path) -> None:
    longer = (READ_TIMEOUT, READ_TIMEOUT.replace("60", "31"))

    assert check(tmp_path, with_change(longer, text=BEHIND_CLOUDFRONT)) == []


def test_a_function_that_ends_before_cloudfront_does_may_be_silent(tmp_path: Path) -> None:
    text = with_change((READ_TIMEOUT, ""), (TIMEOUT, "      Timeout: 30\n"), text=BEHIND_CLOUDFRONT)

    assert check(tmp_path, text) == []


def test_a_response_must_not_be_complete_before_the_functions_timeout(tmp_path: Path) -> None:
    completion = "            ResponseCompletionTimeout: {}\n"
    short, long = (with_change((ACCESS, ACCESS + completion.format(n)), text=BEHIND_CLOUDFRONT) for n in (59, 60))

    found = the_one(tmp_path, short, rule="cloudfront-timeout", at="ResponseCompletionTimeout: 59")

    assert found.fix == "ResponseCompletionTimeout: 60"
    assert check(tmp_path, long) == []


def test_only_of_a_function_has_the_mistakes_of_its_distribution(tmp_path: Path) -> None:
    check(tmp_path, with_change((ACCESS, ""), text=BEHIND_CLOUDFRONT))

    assert rules(check_template(tmp_path / "template.yaml", only=["Hello"])) == ["cloudfront-access"]


def test_the_template_of_this_project_has_none(tmp_path: Path) -> None:
    head, resources = GOOD.split("Resources:\n")
    text = with_change(
        ("AWSTemplateFormatVersion", f"{head}AWSTemplateFormatVersion"),
        ("Resources:\n", f"Resources:\n{resources}"),
        ("!Ref FunctionUrl]", "!GetAtt HelloUrl.FunctionUrl]"),
        text=(ROOT / "deploy" / "cloudfront.yaml").read_text().replace("!Ref FunctionName", "!Ref Hello"),
    )
    caching = ("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6")

    assert check(tmp_path, text) == []
    assert rules(check(tmp_path, with_change(caching, text=text))) == ["cloudfront-cache"], "its origin is Hello's URL"
