import textwrap
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from lambda_streamify_emulator.errors import BuildError, TemplateError
from lambda_streamify_emulator.template.reader import Function, Layer, Template, load_template
from processes import ROOT

FUNCTION = "Type: AWS::Serverless::Function"


def load(folder: Path, text: str, parameters: Mapping[str, str] | None = None) -> Template:
    (folder / "code").mkdir(exist_ok=True)
    path = folder / "template.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load_template(path, parameters)


def refusal(folder: Path, text: str, parameters: Mapping[str, str] | None = None) -> str:
    """Return the error message without the template's path, with which it must begin."""
    with pytest.raises(TemplateError) as raised:
        load(folder, text, parameters)
    message = str(raised.value)
    assert message.startswith(f"{folder / 'template.yaml'}: ")
    assert "\n" not in message
    return message.removeprefix(f"{folder / 'template.yaml'}: ")


def function(*lines: str, **replaced: str) -> str:
    """Return a template with one function; `lines` are further properties, `replaced` override its own."""
    properties = {"Handler": "app.handler", "Runtime": "python3.12", "CodeUri": "code", **replaced}
    indented = "".join(f"      {line}\n" for line in (*(f"{k}: {v}" for k, v in properties.items()), *lines))
    return f"Resources:\n  Hello:\n    {FUNCTION}\n    Properties:\n{indented}"


def only(template: Template) -> Function:
    (found,) = template.functions
    return found


# --- properties ------------------------------------------------------------------------------------------------------


def test_this_projects_own_template_is_read() -> None:
    template = load_template(ROOT / "template.yaml")

    hello = template.functions[0]
    layer = Layer("StreamifyLayer", ROOT / "layers" / "streamify", "makefile")
    assert hello == Function(
        name="hello",
        logical_id="HelloFunction",
        handler="app.lambda_handler",
        runtime="python3.13",
        code=ROOT / "functions" / "hello",
        timeout=60,
        memory=256,
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"},
        layers=(layer,),
        invoke_mode="RESPONSE_STREAM",
        auth_type="NONE",
        cors=hello.cors,
    )
    assert template.unresolved == ()
    assert hello.arn == "arn:aws:lambda:us-east-1:123456789012:function:hello"


def test_a_function_that_says_little_has_sams_defaults(tmp_path: Path) -> None:
    assert only(load(tmp_path, function())) == Function(
        name="Hello",
        logical_id="Hello",
        handler="app.handler",
        runtime="python3.12",
        code=tmp_path.resolve() / "code",
        timeout=3,
        memory=128,
        environment={},
        layers=(),
        invoke_mode=None,
    )


def test_a_parameter_has_its_default_until_it_is_given(tmp_path: Path) -> None:
    text = "Parameters:\n  Seconds: {Default: 7}\n" + function("Timeout: !Ref Seconds")

    assert only(load(tmp_path, text)).timeout == 7
    assert only(load(tmp_path, text, {"Seconds": "9"})).timeout == 9


def test_numbers_may_be_written_as_text(tmp_path: Path) -> None:
    found = only(load(tmp_path, function("Timeout: '900'", "MemorySize: '0512'")))

    assert (found.timeout, found.memory) == (900, 512)


def test_variables_are_text_as_cloudformation_makes_it(tmp_path: Path) -> None:
    text = "Parameters:\n  Flag: {Default: true}\n" + function(
        "Environment:",
        "  Variables:",
        "    SWITCH: true",
        "    NUMBER: 5",
        "    EMPTY: ''",
        "    FLAG: !Ref Flag",
        "    GONE: !Ref AWS::NoValue",
        "    NAME: !Sub '${AWS::Region}-${!X}'",
    )

    assert only(load(tmp_path, text)).environment == {
        "SWITCH": "true",
        "NUMBER": "5",
        "EMPTY": "",
        "FLAG": "true",
        "NAME": "us-east-1-${X}",
    }


def test_a_reference_is_the_resources_name_if_the_template_gives_one(tmp_path: Path) -> None:
    text = (
        function("Environment: {Variables: {A: !Ref Named, B: !Ref Joined, C: !Ref Unnamed, D: !Ref Hello}}")
        + """
  Named: {Type: AWS::S3::Bucket, Properties: {BucketName: my-bucket}}
  Joined: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub 'rows-${AWS::Region}'}}
  Unnamed: {Type: AWS::S3::Bucket}
"""
    )
    found = only(load(tmp_path, text))

    assert found.environment == {"A": "my-bucket", "B": "rows-us-east-1", "C": "Unnamed", "D": "Hello"}
    found = only(load(tmp_path, function("Environment: {Variables: {D: !Ref Hello}}", FunctionName="!Sub 'a-b'")))
    assert (found.name, found.environment) == ("a-b", {"D": "a-b"})


def test_what_only_a_deployed_stack_knows_is_left_out_and_named(tmp_path: Path) -> None:
    template = load(
        tmp_path,
        function("FunctionName: !ImportValue name", "Environment: {Variables: {TABLE: !GetAtt Table.Arn, A: b}}"),
    )

    assert only(template).environment == {"A": "b"}
    assert only(template).name == "Hello"
    assert template.unresolved == ("!GetAtt Table.Arn", "!ImportValue name")


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ("FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}", "RESPONSE_STREAM"),
        ("FunctionUrlConfig: {AuthType: NONE}", "BUFFERED"),
        ("FunctionUrlConfig: {}", "BUFFERED"),
        ("FunctionUrlConfig:", None),
        ("FunctionUrlConfig: !If [Open, {AuthType: NONE}, !Ref AWS::NoValue]", None),
        ("FunctionName: other", None),
    ],
)
def test_the_invoke_mode_is_the_urls(tmp_path: Path, line: str, mode: str | None) -> None:
    text = "Conditions: {Open: !Equals [a, b]}\n" + function(line)

    assert only(load(tmp_path, text)).invoke_mode == mode


def test_who_may_use_a_url_and_from_which_pages_is_kept_as_it_is_written(tmp_path: Path) -> None:
    text = "Parameters: {Auth: {Default: AWS_IAM}}\n" + function(
        "FunctionUrlConfig: {AuthType: !Ref Auth, Cors: {AllowOrigins: ['*'], MaxAge: 5}}"
    )

    found = only(load(tmp_path, text))
    assert (found.auth_type, found.cors) == ("AWS_IAM", {"AllowOrigins": ["*"], "MaxAge": 5})
    found = only(load(tmp_path, text, {"Auth": "NONE"}))
    assert found.auth_type == "NONE"
    found = only(load(tmp_path, function("FunctionUrlConfig: {}")))
    assert (found.auth_type, found.cors) == ("NONE", None)


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("ReservedConcurrentExecutions: 2", 2),
        ("ReservedConcurrentExecutions: 0", 0),
        ("ReservedConcurrentExecutions: !GetAtt Table.Arn", None),
        ("FunctionName: other", None),
    ],
)
def test_the_reserved_concurrency_may_be_zero(tmp_path: Path, line: str, number: int | None) -> None:
    assert only(load(tmp_path, function(line))).reserved_concurrency == number


def test_globals_are_merged_as_sam_merges_them(tmp_path: Path) -> None:
    text = """
        Globals:
          Function:
            Handler: app.global
            Timeout: 5
            Environment: {Variables: {A: global, B: global}}
        """
    own = function("Environment: {Variables: {B: own}}", Handler="app.own")

    found = only(load(tmp_path, textwrap.dedent(text) + own))

    assert (found.handler, found.timeout, found.environment) == ("app.own", 5, {"A": "global", "B": "own"})


LAYER = "  Common:\n    Type: AWS::Serverless::LayerVersion\n    Properties: {ContentUri: code}\n"


@pytest.mark.parametrize(
    "reference",
    [
        "!Ref Common",
        "{Ref: Common}",
        "!If [Here, !Ref Common, !Ref AWS::NoValue]",
        "!Sub '${Common}'",
    ],
)
def test_a_layer_of_the_template_is_found_however_it_is_referred_to(tmp_path: Path, reference: str) -> None:
    text = "Conditions: {Here: !Equals [a, a]}\n" + function(f"Layers: [{reference}]") + LAYER

    assert only(load(tmp_path, text)).layers == (Layer("Common", tmp_path.resolve() / "code"),)


def test_a_layers_build_method_is_in_its_metadata(tmp_path: Path) -> None:
    text = function("Layers: [!Ref Common]") + LAYER + "    Metadata: {BuildMethod: python3.12}\n"

    assert only(load(tmp_path, text)).layers[0].build_method == "python3.12"


@pytest.mark.parametrize(
    "reference",
    [
        "arn:aws:lambda:eu-west-1:123456789012:layer:streamify:7",
        "!Sub 'arn:aws:lambda:${AWS::Region}:123456789012:layer:streamify:7'",
        "!Ref LayerArn",
    ],
)
def test_streamify_by_its_arn_is_the_installed_layer(tmp_path: Path, reference: str) -> None:
    parameter = "Parameters: {LayerArn: {Default: 'arn:aws:lambda:eu-west-1:123456789012:layer:streamify:1'}}\n"

    found = only(load(tmp_path, parameter + function(f"Layers: [{reference}]")))

    assert found.layers == (Layer("streamify", None),)


def test_a_conditional_layer_that_is_left_out_is_ignored(tmp_path: Path) -> None:
    text = "Conditions: {Here: !Equals [a, b]}\n" + function("Layers: [!If [Here, !Ref X, !Ref AWS::NoValue]]")

    assert only(load(tmp_path, text)).layers == ()


def test_a_function_and_a_layer_whose_condition_is_false_are_not_there(tmp_path: Path) -> None:
    conditions = "Parameters: {Stage: {Default: dev}}\nConditions: {Prod: !Equals [!Ref Stage, prod]}\n"
    other = f"  Other:\n    {FUNCTION}\n    Condition: Prod\n    Properties:\n      CodeUri: code\n"
    other += "      Handler: a.b\n      Runtime: python3.12\n"
    layer = "  Absent:\n    Type: AWS::Serverless::LayerVersion\n    Condition: Prod\n"
    layer += "    Properties: {ContentUri: !If [Prod, code, absent]}\n"
    text = conditions + function("Layers: [!If [Prod, !Ref Absent, !Ref AWS::NoValue]]") + other + layer

    assert only(load(tmp_path, text)).layers == ()
    found = load(tmp_path, text, {"Stage": "prod"}).functions
    assert [one.name for one in found] == ["Hello", "Other"]
    assert [layer.logical_id for layer in found[0].layers] == ["Absent"]


def test_the_origins_of_cors_may_come_from_a_parameter_that_is_a_list(tmp_path: Path) -> None:
    text = "Parameters: {Origins: {Type: CommaDelimitedList, Default: '*'}}\n" + function(
        "FunctionUrlConfig: {AuthType: NONE, Cors: {AllowOrigins: !Ref Origins}}"
    )

    assert only(load(tmp_path, text)).cors == {"AllowOrigins": ["*"]}
    assert only(load(tmp_path, text, {"Origins": "https://a,https://b"})).cors == {
        "AllowOrigins": ["https://a", "https://b"]
    }


# --- resources that are already built --------------------------------------------------------------------------------


def packed(folder: Path, name: str, **files: str) -> None:
    with ZipFile(folder / name, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)


def test_code_and_layers_may_be_archives_in_which_nothing_is_left_to_build(tmp_path: Path) -> None:
    packed(tmp_path, "code.zip", app="code")
    packed(tmp_path, "layer.zip", wrapper="layer")
    text = function("Layers: [!Ref Common]", CodeUri="code.zip") + LAYER.replace("code", "layer.zip")

    found = only(load(tmp_path, text + "    Metadata: {BuildMethod: makefile}\n"))

    assert (found.is_built, (found.code / "app").read_text()) == (True, "code")
    (layer,) = found.layers
    assert layer.content is not None
    assert (layer.build_method, (layer.content / "wrapper").read_text()) == (None, "layer")


def test_an_invalid_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "code.zip").write_text("x")

    with pytest.raises(BuildError, match=r"code\.zip: it cannot be unpacked: File is not a zip file"):
        load(tmp_path, function(CodeUri="code.zip"))


def test_what_sam_has_built_is_built(tmp_path: Path) -> None:
    built = "    Metadata: {BuildMethod: makefile, SamResourceId: X}\n"
    text = function("Layers: [!Ref Common]") + built + LAYER + built

    found = only(load(tmp_path, text))

    assert (found.is_built, found.build_method, found.layers[0].build_method) == (True, None, None)


def test_what_sam_has_left_where_it_was_is_not_built(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    build = tmp_path / ".aws-sam" / "build"
    build.mkdir(parents=True)
    metadata = "    Metadata: {SamResourceId: Hello}\n"

    assert not only(load(build, function(CodeUri="../../outside") + metadata)).is_built
    assert not only(load(build, function(CodeUri=str(tmp_path / "outside")) + metadata)).is_built


# --- layers by ARN ---------------------------------------------------------------------------------------------------

GIVEN = "arn:aws:lambda:eu-west-1:123456789012:layer:given:3"


def load_with(folder: Path, place: Path, arn: str = GIVEN, reference: str = GIVEN) -> Template:
    load(folder, function())
    path = folder / "template.yaml"
    path.write_text(function(f"Layers: ['{reference}']"))
    return load_template(path, layers={arn: place})


def test_a_layer_by_its_arn_lies_where_the_user_says(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    packed(tmp_path, "given.zip", wrapper="x")

    assert only(load_with(tmp_path, tmp_path / "given")).layers == (Layer(GIVEN, tmp_path.resolve() / "given"),)
    (layer,) = only(load_with(tmp_path, tmp_path / "given.zip")).layers
    assert layer.content is not None
    assert (layer.content / "wrapper").read_text() == "x"


def test_the_layer_that_the_user_gives_wins_over_the_installed_one(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:streamify:7"

    assert only(load_with(tmp_path, tmp_path, arn, arn)).layers == (Layer(arn, tmp_path.resolve()),)


def test_a_place_for_a_layer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError) as raised:
        load_with(tmp_path, tmp_path / "absent")

    assert str(raised.value) == f"the layer {GIVEN}: {tmp_path / 'absent'} is neither a folder nor a .zip file"


def test_a_place_for_a_layer_that_no_function_uses_is_told(tmp_path: Path) -> None:
    template = load_with(tmp_path, tmp_path, reference=GIVEN.replace("given", "streamify"))

    assert template.left_out == (f"no function uses the layer {GIVEN}, for which {tmp_path} is given",)


# --- ignored resources -----------------------------------------------------------------------------------------------


def test_resources_of_other_types_are_ignored(tmp_path: Path) -> None:
    text = (
        function() + "  Table:\n    Type: AWS::DynamoDB::Table\n  Custom: {Type: 5, Properties: {FunctionName: [x]}}\n"
    )

    assert only(load(tmp_path, text)).name == "Hello"


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "absent.yaml"

    with pytest.raises(TemplateError) as raised:
        load_template(path)

    assert str(raised.value) == f"{path}: there is no such file; name your template, or run where template.yaml is"


def test_where_a_file_is_missing_the_other_one_of_its_folder_is_proposed(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    (tmp_path / "serverless.yml").touch()

    with pytest.raises(TemplateError) as raised:
        load_template(path)

    assert str(raised.value) == f"{path}: there is no such file; do you mean {tmp_path / 'serverless.yml'}?"


def test_a_folder_is_no_template(tmp_path: Path) -> None:
    with pytest.raises(TemplateError) as raised:
        load_template(tmp_path)

    assert str(raised.value) == f"{tmp_path}: it cannot be read: Is a directory"


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_bytes(b"Resources: \xff")

    with pytest.raises(TemplateError) as raised:
        load_template(path)

    assert str(raised.value) == f"{path}: it is not UTF-8 text: invalid start byte at byte 11"


DOCUMENTS = [
    ("", "it is empty"),
    ("# only a comment", "it is empty"),
    ("plain text", "it contains text instead of a template's sections"),
    ("- a\n- list", "it contains a list instead of a template's sections"),
    ("17", "it contains the value 17 instead of a template's sections"),
    ("Resources: [", "it is not YAML: expected the node content, but found '<stream end>' in line 1, column 13"),
    ("a: b\n  c: d", "it is not YAML: mapping values are not allowed here in line 2, column 4"),
    ("a: '", "it is not YAML: found unexpected end of stream in line 1, column 5"),
    ("a: \x00", "it is not YAML: special characters are not allowed at character 3"),
    ("{a: &x b, c: *y}", "it is not YAML: found undefined alias 'y' in line 1, column 14"),
    ("a: 2024-13-45", "it contains a value that is not valid YAML: month must be in 1..12"),
    ("a: !!int x", "it contains a value that is not valid YAML: invalid literal for int() with base 10: 'x'"),
    ("{[a]: b}", "it is not YAML: found unhashable key in line 1, column 2"),
    ("A: b", "there are no Resources in it; a SAM template lists its functions there"),
    ("Resources:", "there are no Resources in it; a SAM template lists its functions there"),
    ("Resources: [a]", "there are no Resources in it; a SAM template lists its functions there"),
    (
        "Resources: {}",
        "it has no function; the emulator runs resources of type AWS::Serverless::Function and AWS::Lambda::Function",
    ),
    ("Resources: {A: null}", "A: it is nothing instead of a resource with Type and Properties"),
    ("Resources: {A: text}", "A: it is text instead of a resource with Type and Properties"),
    ("Resources: {A: {Properties: text}}", "A: Properties: it is text instead of a mapping"),
    ("Resources: {A: {Properties: [b]}}", "A: Properties: it is a list instead of a mapping"),
    (f"Resources:\n  A:\n    {FUNCTION}\n", "A: it has no Handler"),
    (f"Resources:\n  A:\n    {FUNCTION}\n    Properties: null\n", "A: it has no Handler"),
]


@pytest.mark.parametrize(("text", "message"), DOCUMENTS)
def test_a_document_that_is_no_template_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text) == message


FUNCTIONS = [
    ({"Handler": ""}, "it has no Handler"),
    ({"Handler": "!GetAtt A.B"}, "its Handler is !GetAtt A.B, which cannot be resolved here"),
    ({"Runtime": "3.12"}, "it has no Runtime"),
    ({"CodeUri": ""}, "it has no CodeUri that is a folder on this machine"),
    ({"CodeUri": "!ImportValue x"}, "its CodeUri is !ImportValue x, which cannot be resolved here"),
    ({"CodeUri": "{Bucket: b, Key: k}"}, "it has no CodeUri that is a folder on this machine"),
    ({"CodeUri": "absent/"}, "its CodeUri absent/ is neither a folder nor a .zip file"),
    ({"CodeUri": "template.yaml"}, "its CodeUri template.yaml is neither a folder nor a .zip file"),
    ({"CodeUri": "s3://bucket/key"}, "its CodeUri s3://bucket/key is neither a folder nor a .zip file"),
    (
        {"ReservedConcurrentExecutions": "-1"},
        "ReservedConcurrentExecutions: -1 is not a number of invocations",
    ),
    ({"Timeout": "soon"}, "Timeout: 'soon' is not a number of seconds"),
    ({"Timeout": ""}, "Timeout: None is not a number of seconds"),
    ({"Timeout": "0"}, "Timeout: 0 is not a number of seconds"),
    ({"Timeout": "-1"}, "Timeout: -1 is not a number of seconds"),
    ({"Timeout": "1.5"}, "Timeout: 1.5 is not a number of seconds"),
    ({"Timeout": ".inf"}, "Timeout: inf is not a number of seconds"),
    ({"Timeout": "true"}, "Timeout: True is not a number of seconds"),
    ({"Timeout": "[3]"}, "Timeout: [3] is not a number of seconds"),
    ({"Timeout": "!Ref Absent"}, "Timeout: !Ref Absent is not a number of seconds"),
    ({"MemorySize": "big"}, "MemorySize: 'big' is not a number of megabytes"),
    ({"FunctionName": "[a]"}, "FunctionName: ['a'] is not up to 64 letters, digits, - and _"),
    ({"FunctionName": "'a/b'"}, "FunctionName: 'a/b' is not up to 64 letters, digits, - and _"),
    ({"FunctionName": "grüße"}, "FunctionName: 'grüße' is not up to 64 letters, digits, - and _"),
    ({"Environment": "text"}, "Environment: it is text instead of a mapping"),
    ({"Environment": "{Variables: text}"}, "Environment: Variables: it is text instead of a mapping"),
    ({"Environment": "{Variables: [A]}"}, "Environment: Variables: it is a list instead of a mapping"),
    ({"Environment": "{Variables: {A: [b]}}"}, "Environment: A: it is a list instead of text"),
    ({"Environment": "{Variables: {A: null}}"}, "Environment: A: it is nothing instead of text"),
    (
        {"Environment": "{Variables: {'A=B': c}}"},
        "Environment: 'A=B' is not a name of letters, digits and _ for a variable",
    ),
    ({"Environment": "{Variables: {1: c}}"}, "Environment: 1 is not a name of letters, digits and _ for a variable"),
    (
        {"Environment": "{Variables: {YES: c}}"},
        "Environment: True is not a name of letters, digits and _ for a variable",
    ),
    ({"FunctionUrlConfig": "{AuthType: open}"}, "FunctionUrlConfig: AuthType: 'open' is not NONE or AWS_IAM"),
    (
        {"FunctionUrlConfig": "{InvokeMode: on}"},
        "FunctionUrlConfig: InvokeMode: True is not BUFFERED or RESPONSE_STREAM",
    ),
    ({"FunctionUrlConfig": "{Cors: [x]}"}, "FunctionUrlConfig: Cors: it is a list instead of a mapping"),
    ({"FunctionUrlConfig": "text"}, "FunctionUrlConfig: it is text instead of a mapping"),
    ({"Layers": "text"}, "Layers: it is text instead of a list"),
    ({"Layers": "[!Ref Absent]"}, "the layer !Ref Absent is neither in this template nor streamify itself"),
    ({"Layers": "[Hello]"}, "the layer Hello is neither in this template nor streamify itself"),
    ({"Layers": "[null]"}, "the layer None is neither in this template nor streamify itself"),
]


@pytest.mark.parametrize(("replaced", "message"), FUNCTIONS)
def test_a_wrong_property_is_named_with_its_function(tmp_path: Path, replaced: dict[str, str], message: str) -> None:
    assert refusal(tmp_path, function(**replaced)) == f"Hello: {message}"


ARN = "arn:aws:lambda:eu-west-1:1:layer:other:1"
FOREIGN = [
    (
        "InlineCode: !ImportValue code",
        "its inline code needs a value that only a deployed stack has",
    ),
    (f"Layers: ['{ARN}']", f"the layer {ARN} is not in this template; give its content with --layer {ARN}=FOLDER"),
]


@pytest.mark.parametrize(("line", "reason"), FOREIGN)
def test_a_function_that_is_not_run_here_is_left_out_with_the_reason(tmp_path: Path, line: str, reason: str) -> None:
    foreign = f"  Foreign:\n    {FUNCTION}\n    Properties:\n      {line}\n"
    foreign += "      Handler: a.b\n      Runtime: python3.12\n"

    template = load(tmp_path, function() + foreign)

    assert only(template).name == "Hello"
    assert template.left_out == (f"Foreign is left out: {reason}",)


@pytest.mark.parametrize(("line", "reason"), FOREIGN)
def test_a_template_of_which_no_function_is_run_here_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    assert refusal(tmp_path, function(line)) == f"no function of it can be served: Hello is left out: {reason}"


@pytest.mark.parametrize("escape", ["\\0", "\\ud800"])
def test_text_that_no_process_can_be_given_is_refused(tmp_path: Path, escape: str) -> None:
    variable = function(f'Environment: {{Variables: {{A: "b{escape}"}}}}')

    message = "Hello: Environment: A: it contains a character that a variable cannot hold"
    assert refusal(tmp_path, variable) == message
    assert refusal(tmp_path, function(Handler=f'"app.{escape}"')) == "Hello: it has no Handler"


def test_of_two_functions_of_one_name_the_first_is_served(tmp_path: Path) -> None:
    text = function("FunctionName: same") + function("FunctionName: same").partition("\n")[2].replace("Hello", "Other")

    template = load(tmp_path, text)

    assert only(template).logical_id == "Hello"
    assert template.left_out == ("Other is left out: Hello has the name same too",)


def test_a_function_that_is_not_valid_does_not_stop_the_others(tmp_path: Path) -> None:
    text = function() + "".join(
        function(**replaced).partition("\n")[2].replace("Hello", f"Wrong{number}")
        for number, replaced in enumerate(({"Timeout": "soon"}, {"CodeUri": "absent"}, {"Layers": "[!Ref Torn]"}))
    )
    text += "  Torn: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: absent}}\n"

    template = load(tmp_path, text)

    assert only(template).name == "Hello"
    assert template.left_out == (
        "Wrong0 is left out: Timeout: 'soon' is not a number of seconds",
        "Wrong1 is left out: its CodeUri absent is neither a folder nor a .zip file",
        "Wrong2 is left out: Torn: its ContentUri absent is neither a folder nor a .zip file",
        "Torn is left out: its ContentUri absent is neither a folder nor a .zip file",
    )


def test_what_else_calls_functions_is_left_out_with_the_reason(tmp_path: Path) -> None:
    text = function() + "  Flow: {Type: AWS::Serverless::StateMachine}\n  Nested: {Type: AWS::CloudFormation::Stack}\n"

    assert load(tmp_path, text).left_out == (
        "Flow is left out: the emulator runs functions, no state machines",
        "Nested is left out: the emulator reads no nested templates; serve that template by itself",
    )


def test_without_a_code_uri_the_code_is_beside_the_template_as_for_the_sam_cli(tmp_path: Path) -> None:
    text = function().replace("      CodeUri: code\n", "")

    found = only(load(tmp_path, text))
    assert (found.code, found.is_built) == (tmp_path.resolve(), False)


def test_inline_code_is_the_file_index(tmp_path: Path) -> None:
    text = function("InlineCode: |", "  def handler(event, context): ...").replace("      CodeUri: code\n", "")

    found = only(load(tmp_path, text))
    assert (found.code / "index.py").read_text() == "def handler(event, context): ...\n"
    assert found.is_built
    assert refusal(tmp_path, text.replace("python3.12", "java21")) == (
        "no function of it can be served: Hello is left out: its code is inline, which the runtime java21 does not take"
    )


def test_the_arn_of_a_function_is_known_however_it_is_asked_for(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:hello"
    variables = (
        "{A: !GetAtt Hello.Arn, B: !Sub '${Hello.Arn}', C: !Ref Live, D: !Ref Hello.Alias, E: !GetAtt Hello.Gone}"
    )
    text = function(f"Environment: {{Variables: {variables}}}", "AutoPublishAlias: prod", FunctionName="hello")
    text += "  Live: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Hello, Name: live}}\n"

    template = load(tmp_path, text)

    assert only(template).environment == {"A": arn, "B": arn, "C": f"{arn}:live", "D": f"{arn}:prod"}
    assert template.unresolved == ("!GetAtt Hello.Gone",)


OTHERS = [
    ("Globals: text\n", "'Globals' section is invalid. It must be a non-empty dictionary"),
    ("Parameters: [a]\n", "Parameters: it is a list instead of a mapping"),
    ("Parameters: {A: text}\n", "Parameters: A: it is text instead of a mapping"),
    ("Parameters: {A: {Default: {}}}\n", "Parameters: A: Default: it is a mapping instead of text or a number"),
    ("Parameters: {A: {Default: [b]}}\n", "Parameters: A: Default: it is a list instead of text or a number"),
    (
        "Parameters: {A: {Default: b, AllowedValues: [{}]}}\n",
        "Parameters: A: AllowedValues: it is a mapping instead of text or a number",
    ),
    ("Conditions: {A: !Condition A}\n", "something in it refers to itself"),
]


@pytest.mark.parametrize(("section", "message"), OTHERS)
def test_a_wrong_section_is_named(tmp_path: Path, section: str, message: str) -> None:
    assert refusal(tmp_path, section + function("FunctionName: !If [A, b, c]")) == message


def test_a_wrong_property_in_globals_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, "Globals: {Function: {FunctionName: x}}\n" + function())

    assert message.startswith("'Globals' section is invalid. 'FunctionName' is not a supported property of 'Function'.")


@pytest.mark.parametrize("id_", ["../Hello", "/tmp/Hello", "a b", "''", "grüße", "a.b", "x" * 256])  # noqa: S108
def test_a_logical_id_that_could_be_a_path_is_refused(tmp_path: Path, id_: str) -> None:
    message = refusal(tmp_path, function().replace("Hello:", f"{id_}:", 1))

    assert message.endswith("is not a logical id, which is up to 255 letters, digits, - and _")
    assert len(message) < 350


@pytest.mark.parametrize(("first", "nine"), [("[x]", "[{}]"), ("{k: v}", "{{<<: [{}]}}")], ids=["values", "merged"])
def test_aliases_that_stand_for_too_much_are_refused(tmp_path: Path, first: str, nine: str) -> None:
    levels = [nine.format(", ".join([f"*a{number - 1}"] * 9)) for number in range(1, 10)]
    text = "".join(f"a{number}: &a{number} {level}\n" for number, level in enumerate([first, *levels]))

    message = refusal(tmp_path, text + function("Layers: *a9"))

    assert message == "with its aliases (*name) expanded it has over 500,000 values"


def test_aliases_are_expanded(tmp_path: Path) -> None:
    text = "Shared: &shared {Variables: {A: b}}\n" + function("Environment: *shared")

    assert only(load(tmp_path, text)).environment["A"] == "b"


def test_a_document_that_holds_itself_is_refused(tmp_path: Path) -> None:
    text = function("Layers: &a [*a]")

    assert refusal(tmp_path, text) == "something in it refers to itself"


def test_a_layer_without_its_folder_is_refused(tmp_path: Path) -> None:
    text = function("Layers: [!Ref Common]") + LAYER.replace("code", "absent")

    assert refusal(tmp_path, text) == "Common: its ContentUri absent is neither a folder nor a .zip file"


def test_a_parameter_that_is_not_declared_is_refused_with_those_that_are(tmp_path: Path) -> None:
    declared = "Parameters: {Stage: {Type: String}, Size: null}\n"

    assert (
        refusal(tmp_path, declared + function(), {"Stag": "x"})
        == "it has no parameter Stag; its parameters: Stage, Size"
    )
    assert refusal(tmp_path, function(), {"Stag": "x"}) == "it has no parameter Stag; its parameters: none"


# --- arbitrary input -------------------------------------------------------------------------------------------------

WORDS = [
    "Hello",
    "Common",
    "code",
    "app.handler",
    "python3.12",
    "AWS::Serverless::Function",
    "AWS::Serverless::LayerVersion",
    "AWS::Serverless::Api",
    "Api",
    "AWS::NoValue",
    "${Stage}",
    "Stage",
    "IsProd",
    "NONE",
    "",
    "x" * 300,
    "\ud800",
]
KEYS = [
    *("Resources", "Globals", "Parameters", "Conditions", "Mappings", "Function", "Default", "Hello", "Common"),
    *("Type", "Properties", "Metadata", "BuildMethod", "Handler", "Runtime", "CodeUri", "ContentUri", "Timeout"),
    *(
        "Events",
        "RestApiId",
        "Path",
        "Method",
        "TimeoutInMillis",
        "StageName",
        "EndpointConfiguration",
        "AuthType",
        "Cors",
    ),
    *("MemorySize", "Environment", "Variables", "Layers", "FunctionUrlConfig", "InvokeMode", "FunctionName"),
    *("Ref", "Condition", "Fn::Sub", "Fn::Join", "Fn::If", "Fn::GetAtt", "Fn::Select", "Fn::FindInMap", "Fn::Equals"),
]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.dates()
pieces = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def keys(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), pieces, max_size=4)


PROPERTIES = (
    "Timeout",
    "MemorySize",
    "Environment",
    "Layers",
    "FunctionUrlConfig",
    "FunctionName",
    "CodeUri",
    "Events",
)
plausible = st.fixed_dictionaries(
    {
        "Resources": st.fixed_dictionaries(
            {
                "Hello": st.fixed_dictionaries(
                    {
                        "Type": st.just("AWS::Serverless::Function"),
                        "Properties": keys(*PROPERTIES).map(
                            lambda own: {"Handler": "a.b", "Runtime": "python3.12", "CodeUri": ".", **own}
                        ),
                    }
                )
            },
            optional={"Common": pieces},
        )
    },
    optional=dict.fromkeys(("Globals", "Parameters", "Conditions", "Mappings"), pieces),
)


events = st.dictionaries(st.sampled_from(WORDS), st.fixed_dictionaries({"Type": st.just("Api"), "Properties": pieces}))
apis = st.fixed_dictionaries({"Type": st.just("AWS::Serverless::Api"), "Properties": pieces})


def assert_read_or_refused(document: object) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        try:
            template = load_template(path)
        except TemplateError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017 - one of two valid outcomes
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert template.functions


@given(pieces | plausible)
@example({"Resources": {"Hello": {"Type": "AWS::Serverless::Function", "Properties": {"Fn::GetAtt": [1]}}}})
def test_any_document_gives_a_template_or_a_message_of_one_line(document: object) -> None:
    assert_read_or_refused(document)


@given(plausible, events, apis)
def test_any_event_and_any_api_give_a_template_or_a_message_of_one_line(
    document: dict[str, Any], events: dict[str, Any], api: dict[str, Any]
) -> None:
    document["Resources"]["Hello"]["Properties"]["Events"] = events
    assert_read_or_refused({**document, "Resources": {**document["Resources"], "Common": api}})


@given(st.text())
def test_any_text_gives_a_template_or_a_message_of_one_line(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(TemplateError) as raised:
            load_template(path)
        assert "\n" not in str(raised.value)
