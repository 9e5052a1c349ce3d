"""The routes of a REST API: finds the resource for a path.

Source: Amazon API Gateway Developer Guide, "Set up a proxy integration with a proxy resource": {name} matches one part
of a path, {name+} matches the rest. A literal part has precedence over {name}, and {name} over {name+}. As seen on AWS
(LocalStack's tests of 2023 and 2024): only resources with the request's method match, a slash at the end is ignored,
several slashes at the beginning count as one, slashes within {name+} stay, and parts stay percent-encoded.
"""

from typing import NamedTuple

from ..template.apis import Api, Route


class Match(NamedTuple):
    """A matching route with the values of its path variables. `path` is without the stage."""

    route: Route
    variables: dict[str, str]
    path: str


def find(api: Api, method: str, path: str) -> Match | None:
    """Return the route for a request to `path`; None if there is none. The path may begin with the stage, as on AWS."""
    stage = f"/{api.stage}"
    path = one_slash_first(path)
    if path == stage or path.startswith(f"{stage}/"):
        path = one_slash_first(path.removeprefix(stage))
    parts = _parts(path)
    fitting = [
        (_rank(route), route.method == "ANY", Match(route, variables, path))
        for route in api.routes
        if route.method in (method, "ANY") and (variables := _fit(route, parts)) is not None
    ]
    return min(fitting, key=lambda found: found[:2])[-1] if fitting else None


def one_slash_first(path: str) -> str:
    """Return the path with exactly one slash at its beginning."""
    return f"/{path.lstrip('/')}"


def _parts(path: str) -> list[str]:
    inner = path.strip("/")
    return inner.split("/") if inner else []


def _rank(route: Route) -> list[int]:
    return [0 if not part.startswith("{") else 2 if part.endswith("+}") else 1 for part in _parts(route.path)]


def _fit(route: Route, parts: list[str]) -> dict[str, str] | None:
    """Return the values of the route's path variables; None if the route does not match."""
    own = _parts(route.path)
    variables: dict[str, str] = {}
    for position, part in enumerate(own):
        if part.startswith("{") and part.endswith("+}"):
            rest = "/".join(parts[position:])
            return {**variables, part[1:-2]: rest} if rest else None
        if position >= len(parts):
            return None
        if part.startswith("{") and part.endswith("}"):
            if not parts[position]:
                return None
            variables[part[1:-1]] = parts[position]
        elif part != parts[position]:
            return None
    return variables if len(own) == len(parts) else None
