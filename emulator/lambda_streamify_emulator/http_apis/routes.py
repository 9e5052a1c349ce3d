"""The routes of an HTTP API: finds the one for a request.

Source: Amazon API Gateway Developer Guide, "Create routes for HTTP APIs": a route that fits wholly comes before one
with {name+}, and that before $default. Everything else is as for REST APIs, which is a choice of this emulator.
"""

from dataclasses import replace

from ..rest_apis.routes import Match, find, one_slash_first
from ..template.apis import DEFAULT_ROUTE, Api


def find_route(api: Api, method: str, path: str) -> Match | None:
    """Return the route for a request to `path`, which may begin with the stage; None if there is none."""
    named = replace(api, routes=tuple(route for route in api.routes if route.path != DEFAULT_ROUTE))
    match = find(named, method, path)
    if match is not None:
        return match
    rest = (route for route in api.routes if route.path == DEFAULT_ROUTE and route.method in (method, "ANY"))
    route = next(rest, None)
    return None if route is None else Match(route, {}, one_slash_first(path))


def route_key(match: Match) -> str:
    """Return the key of a route, such as `GET /items/{id}`."""
    return DEFAULT_ROUTE if match.route.path == DEFAULT_ROUTE else f"{match.route.method} {match.route.path}"
