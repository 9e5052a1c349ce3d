"""Which resource of a REST API a path leads to.

Source: Amazon API Gateway Developer Guide, "Set up a proxy integration with a proxy resource": {name} is one part of a
path, {name+} is the rest of it; what is written out comes before both, and one part before the rest. As seen on AWS
(LocalStack's tests of July 2024), a slash at the end is no part, and parts are passed on percent-encoded.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ..template.apis import Api, Route


class Match(NamedTuple):
    """A route that fits, and what its path's variables stand for. `path` is without the stage."""

    route: Route
    variables: dict[str, str]
    path: str


def find(api: Api, method: str, path: str) -> Match | None:
    """The route for a request to `path`, in which the stage may come first, as on AWS."""
    stage = f"/{api.stage}"
    if path == stage or path.startswith(f"{stage}/"):
        found = _find(api.routes, method, path.removeprefix(stage) or "/")
        if found:
            return found
    return _find(api.routes, method, path)


def _find(routes: Iterable[Route], method: str, path: str) -> Match | None:
    parts = _parts(path)
    fitting = [(_rank(route), route, variables) for route in routes if (variables := _fit(route, parts)) is not None]
    if not fitting:
        return None
    # The resource is chosen by its path alone: another one that has the method does not take over.
    best = min(rank for rank, _, _ in fitting)
    for wanted in (method, "ANY"):
        for rank, route, variables in fitting:
            if rank == best and route.method == wanted:
                return Match(route, variables, path)
    return None


def _parts(path: str) -> list[str]:
    return [part for part in path.strip("/").split("/") if part]


def _rank(route: Route) -> list[int]:
    return [0 if not part.startswith("{") else 2 if part.endswith("+}") else 1 for part in _parts(route.path)]


def _fit(route: Route, parts: list[str]) -> dict[str, str] | None:
    """What the variables of the route's path stand for; None if it does not fit."""
    own = _parts(route.path)
    variables: dict[str, str] = {}
    for position, part in enumerate(own):
        if part.startswith("{") and part.endswith("+}"):
            rest = parts[position:]
            return {**variables, part[1:-2]: "/".join(rest)} if rest else None
        if position >= len(parts):
            return None
        if part.startswith("{") and part.endswith("}"):
            variables[part[1:-1]] = parts[position]
        elif part != parts[position]:
            return None
    return variables if len(own) == len(parts) else None
