import textwrap
from pathlib import Path

import pytest

from lambda_streamify_emulator.template.apis import Api, Route
from lambda_streamify_emulator.template.reader import Template, load_template


def load(folder: Path, *events: str, rest: str = "", timeout: int = 20) -> Template:
    """Return a template with one function with these events, one per line; `rest` is added to its Resources."""
    path = folder / "template.yaml"
    lines = "".join(f"        E{number}: {event}\n" for number, event in enumerate(events))
    path.write_text(
        f"""
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: hello
      Handler: app.handler
      Runtime: python3.12
      CodeUri: .
      Timeout: {timeout}
      Events:
{lines}{textwrap.indent(textwrap.dedent(rest), "  ")}
"""
    )
    return load_template(path)


def event(properties: str, kind: str = "Api") -> str:
    return f"{{Type: {kind}, Properties: {{{properties}}}}}"


def test_events_without_an_api_make_the_implicit_one_at_its_stage(tmp_path: Path) -> None:
    template = load(tmp_path, event("Path: /a, Method: get"), event("Path: '/b/{id}', Method: any"))

    routes = (Route("GET", "/a", "hello", is_streamed=False), Route("ANY", "/b/{id}", "hello", is_streamed=False))
    assert template.apis == (Api("ServerlessRestApi", "Prod", routes),)
    assert template.left_out == ()


def test_an_api_of_the_templates_own_has_its_stage_its_endpoint_and_its_binary_types(tmp_path: Path) -> None:
    for endpoint in ("REGIONAL", "{Type: REGIONAL}", "{Types: [x]}", "[REGIONAL]"):
        template = load(
            tmp_path,
            event("Path: /a, Method: POST, RestApiId: !Ref Mine"),
            rest=f"""
            Mine:
              Type: AWS::Serverless::Api
              Properties:
                StageName: live
                EndpointConfiguration: {endpoint}
                BinaryMediaTypes: [image~1png, "*~1*"]
            """,
        )

        (api,) = template.apis
        assert (api.name, api.stage, api.binary_types) == ("Mine", "live", ("image/png", "*/*"))
        assert api.endpoint == ("EDGE" if "Types" in endpoint else "REGIONAL")
        assert api.routes[0].method == "POST"


def test_globals_are_every_apis(tmp_path: Path) -> None:
    load(tmp_path, event("Path: /a, Method: get"))
    path = tmp_path / "template.yaml"
    path.write_text("Globals: {Api: {BinaryMediaTypes: [a~1b], EndpointConfiguration: REGIONAL}}\n" + path.read_text())

    (api,) = load_template(path).apis
    assert (api.endpoint, api.binary_types) == ("REGIONAL", ("a/b",))


def test_a_streaming_event_has_its_own_timeout(tmp_path: Path) -> None:
    streaming = "Path: /a, Method: get, ResponseTransferMode: RESPONSE_STREAM"
    template = load(tmp_path, event(f"{streaming}, TimeoutInMillis: 900000"), event(streaming), timeout=29)

    assert [(route.is_streamed, route.timeout) for route in template.apis[0].routes] == [(True, 900), (True, 29)]
    assert template.left_out == ()


def test_a_transfer_mode_that_sam_ignores_does_not_stream(tmp_path: Path) -> None:
    template = load(tmp_path, event("Path: /a, Method: get, ResponseTransferMode: STREAM"))

    assert not template.apis[0].routes[0].is_streamed
    assert template.left_out == ()  # `streamify check` names it


IGNORED = (
    "Mine: its definition is api.yaml, and the emulator reads files beside the template: the events of its functions "
    "stand for it"
)


def test_parts_that_are_not_served_are_reported(tmp_path: Path) -> None:
    template = load(
        tmp_path,
        event("Path: /a, Method: get, ApiId: !Ref Mine", "HttpApi"),
        event("Path: /a, Method: get, RestApiId: !ImportValue other"),
        event("Path: /a, Method: get, RestApiId: !Ref Mine"),
        event("Queue: x", "SQS"),
        event("Path: /b, Method: get, Auth: {ApiKeyRequired: true}"),
        rest="""
        Mine:
          Type: AWS::Serverless::Api
          Properties: {StageName: live, Auth: {ApiKeyRequired: true}, Cors: "'*'", DefinitionUri: api.yaml}
        """,
    )

    assert template.left_out == (
        IGNORED,
        "hello: the event E0 is not served: its ApiId is none of AWS::Serverless::HttpApi",
        "hello: the event E1 is not served: its RestApiId is none of AWS::Serverless::Api",
        "hello: the event E4: the emulator does not enforce its Auth: everybody may call it",
        "Mine: the emulator does not enforce its Auth: everybody may call it",
    )


ORIGIN, METHODS = "access-control-allow-origin", "access-control-allow-methods"


def test_cors_adds_what_sam_adds(tmp_path: Path) -> None:
    template = load(
        tmp_path,
        event("Path: /a, Method: get, RestApiId: !Ref Mine"),
        event("Path: /a, Method: post, RestApiId: !Ref Mine"),
        event("Path: /b, Method: any, RestApiId: !Ref Mine"),
        event("Path: /c, Method: options, RestApiId: !Ref Mine"),
        event("Path: /d, Method: get, RestApiId: !Ref Full"),
        rest="""
        Mine:
          Type: AWS::Serverless::Api
          Properties: {StageName: live, Cors: "'*'"}
        Full:
          Type: AWS::Serverless::Api
          Properties:
            StageName: live
            Cors:
              AllowOrigin: "'https://a'"
              AllowMethods: "'GET'"
              AllowHeaders: "'x,y'"
              MaxAge: "'60'"
              AllowCredentials: true
        """,
    )

    mine, full = template.apis
    added = {route.path: route.preflight for route in (*mine.routes, *full.routes) if route.preflight is not None}
    assert added == {
        "/a": ((ORIGIN, "*"), (METHODS, "GET,OPTIONS,POST")),
        "/b": ((ORIGIN, "*"), (METHODS, "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT")),
        "/d": (
            (ORIGIN, "https://a"),
            (METHODS, "GET"),
            ("access-control-allow-headers", "x,y"),
            ("access-control-max-age", "60"),
            ("access-control-allow-credentials", "true"),
        ),
    }


def test_cors_of_another_kind_is_reported(tmp_path: Path) -> None:
    api = """
    Mine:
      Type: AWS::Serverless::Api
      Properties: {StageName: live, Cors: [x]}
    """
    template = load(tmp_path, event("Path: /a, Method: get, RestApiId: !Ref Mine"), rest=api)

    assert [route.method for route in template.apis[0].routes] == ["GET"]
    assert template.left_out == (
        "Mine answers no preflight requests: Cors: it is a list instead of a mapping or an origin",
    )


WRONG = [
    ("Path: a, Method: get", "Path: 'a' does not begin with /"),
    ("Method: get", "Path: None does not begin with /"),
    ("Path: /a", "Method: None is not one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY"),
    ("Path: /a, Method: get, TimeoutInMillis: soon", "TimeoutInMillis: 'soon' is not a number of milliseconds"),
    ("Path: /a, Method: get, TimeoutInMillis: 900001", "TimeoutInMillis: 900001 is not from 50 to 900000"),
    ("Path: /a, Method: get, TimeoutInMillis: 49", "TimeoutInMillis: 49 is not from 50 to 900000"),
]


@pytest.mark.parametrize(("properties", "message"), WRONG)
def test_a_wrong_event_is_named(tmp_path: Path, properties: str, message: str) -> None:
    template = load(tmp_path, event(properties), event("Path: /b, Method: get"))

    assert [route.path for route in template.apis[0].routes] == ["/b"]
    assert template.left_out == (f"hello: the event E0 is not served: {message}",)
