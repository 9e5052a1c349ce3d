import pytest

from lambda_streamify_emulator.template.apis import WEBSOCKET, Api, Route
from lambda_streamify_emulator.websocket_apis.routes import route_of_message


def api(expression: str, *keys: str) -> Api:
    routes = tuple(Route("", key, "chat", is_streamed=False) for key in ("$connect", "$disconnect", *keys))
    return Api("Api", "live", routes, kind=WEBSOCKET, route_selection=expression)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("$request.body.action", '{"action": "talk"}'),
        ("${request.body.action}", '{"action": "talk"}'),
        ("$request.body.a.b", '{"a": {"b": "talk"}}'),
    ],
)
def test_the_expression_names_a_property_of_the_message(expression: str, text: str) -> None:
    route = route_of_message(api(expression, "$default", "talk"), text)

    assert route is not None
    assert route.path == "talk"


@pytest.mark.parametrize(
    "text",
    ["", "talk", "[]", '"talk"', '{"action": "other"}', '{"action": 1}', '{"action": "$connect"}', "[" * 100_000],
)
def test_all_others_belong_to_the_default_route(text: str) -> None:
    route = route_of_message(api("$request.body.action", "$default", "talk"), text)

    assert route is not None
    assert route.path == "$default"
    assert route_of_message(api("$request.body.action", "talk"), text) is None


@pytest.mark.parametrize("expression", ["$request.header.action", "action"])
def test_an_expression_that_names_no_property_of_the_body_selects_nothing(expression: str) -> None:
    assert route_of_message(api(expression, "talk"), '{"action": "talk"}') is None
