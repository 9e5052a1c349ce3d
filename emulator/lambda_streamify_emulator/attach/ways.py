"""The ways to attach the layer, as a table, and the steps of each in the order that is safe for those who call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .marks import PREFIX, Mark, to_tags
from .plan import Act, Plan, Step
from .snapshot import INVOKE_MODE, LATEST, NEXT_WRAPPER, OUR_WRAPPER, WRAPPER

if TYPE_CHECKING:
    from collections.abc import Callable

    from .snapshot import Function

LAYER_NAME = "streamify"
STATEMENT = "streamify-url"
ALIAS_DESCRIPTION = "streams by lambda-streamify"
AUTO, BUFFERED, UNCHANGED = "auto", "buffered", "unchanged"


@dataclass(frozen=True)
class Wish:
    """What the user asks for. `layer` is an ARN; without one, the layer of this package is published."""

    layer: str | None = None
    name: str | None = None  # of the new alias, or of the second function
    auth: str = "AWS_IAM"
    timeout_s: int | None = None
    force: bool = False


@dataclass(frozen=True)
class Way:
    """One way. `latest` is how $LATEST answers after it: as by the layer (auto), buffered, or unchanged."""

    words: str
    latest: str
    default_name: Callable[[str], str]
    steps: Callable[[Function, Wish, str], list[Step]]
    adds_url: bool = True


def choose(function: Function) -> str:
    """Return the way that changes nothing for those who call the function today."""
    if function.isolates_tenants:  # function URLs do not serve such functions
        return "in-place-buffered"
    if any(function.runs_latest(url.qualifier) for url in function.urls):
        return "second-function"
    return "alias" if function.urls else "in-place"


def make_plan(function: Function, wish: Wish, via: str) -> Plan:
    """Return the plan of a way. It is made from what was read, without a look at AWS."""
    way = WAYS[via]
    name = wish.name or way.default_name(function.name)
    publishing = (
        []
        if wish.layer
        else [Step(Act(f"publish the layer {LAYER_NAME} of this package", "publish_layer", {"layer": LAYER_NAME}))]
    )
    facts = {"layer": wish.layer} if wish.layer else {}
    return Plan(function.name, function.arn, via, name, [*publishing, *way.steps(function, wish, name)], facts)


def mark_of(function: Function, wish: Wish, via: str, name: str) -> Mark:
    """Return what the tags of the function will say; nothing of it is known by the function itself."""
    set_here = _variables(function, WAYS[via].latest)
    return Mark(
        via,
        name,
        "" if wish.layer in function.layers else (wish.layer or "fact:layer"),
        wish.auth if via == "alias" or (via == "in-place" and not _has_url(function)) else "",
        function.timeout_s if wish.timeout_s is not None else None,
        {each: function.variables[each] for each in set_here if each in function.variables},
    )


def rewound(function: Function, mark: Mark) -> Function:
    """Return the function as it was before it was attached, as its marks say."""
    ours = _variables(function, AUTO)
    variables = {name: value for name, value in function.variables.items() if name not in ours}
    name = mark.name if mark.via == "alias" else None
    added = (LATEST if mark.via == "in-place" else name) if mark.url else None
    return replace(
        function,
        variables={**variables, **mark.variables},
        layers=tuple(arn for arn in function.layers if arn != mark.layer),
        timeout_s=function.timeout_s if mark.timeout_s is None else mark.timeout_s,
        tags={key: value for key, value in function.tags.items() if not key.startswith(PREFIX)},
        aliases=tuple(alias for alias in function.aliases if alias.name != name),
        urls=tuple(url for url in function.urls if not (url.streams and url.qualifier == added)),
    )


def _variables(function: Function, mode: str) -> dict[str, str | None]:
    """Return the variables to set (None: to remove) so that the layer runs, and another wrapper inside of it."""
    if mode == UNCHANGED:
        return {}
    variables: dict[str, str | None] = {WRAPPER: OUR_WRAPPER, INVOKE_MODE: "buffered" if mode == BUFFERED else None}
    if function.wrapper not in (None, OUR_WRAPPER):
        variables[NEXT_WRAPPER] = function.wrapper
    elif NEXT_WRAPPER in function.variables:
        variables[NEXT_WRAPPER] = function.variables[NEXT_WRAPPER]
    return variables


def _alias(function: Function, wish: Wish, name: str) -> list[Step]:
    version = f"streamify attach: alias {name}"
    arguments = {"function": function.name, "alias": name, "description": ALIAS_DESCRIPTION}
    steps = [
        *_marked(function, wish, "alias", name),
        _configure(function, wish, AUTO),
        Step(
            Act("publish a version of it", "publish_version", {"function": function.name, "description": version}),
            Act("delete the published version", "delete_version", {"function": function.name, "description": version}),
        ),
        Step(
            Act(
                f"create the alias {name} on this version",
                "create_alias",
                {**arguments, "version": "fact:version"},
            ),
            Act(f"delete the alias {name}", "delete_alias", arguments),
        ),
        *_url(function, wish, function.name, name),
    ]
    if function.urls:  # the next version that an old alias is moved to has the layer too
        steps.append(
            Step(
                Act(
                    f"set {INVOKE_MODE}=buffered on $LATEST, for the versions that the aliases of old URLs "
                    "are moved to",
                    "configure",
                    {"function": function.name, "variables": {INVOKE_MODE: "buffered"}},
                )
            )
        )
    return steps


def _second_function(function: Function, wish: Wish, name: str) -> list[Step]:
    arguments = {"source": function.name, "function": name}
    creating = {
        **arguments,
        "layer": wish.layer or "fact:layer",
        "variables": _variables(function, AUTO),
        "timeout": wish.timeout_s,
    }
    return [
        Step(
            Act(
                f"create the function {name} with the same code and settings, and the layer",
                "create_function",
                creating,
            ),
            Act(f"delete the function {name}", "delete_function", arguments),
        ),
        *_url(function, wish, name, LATEST),
    ]


def _in_place(function: Function, wish: Wish, name: str) -> list[Step]:
    url = [] if _has_url(function) else _url(function, wish, function.name, LATEST)
    return [*_marked(function, wish, "in-place", name), _configure(function, wish, AUTO), *url]


def _has_url(function: Function) -> bool:
    return any(url.qualifier == LATEST for url in function.urls)


def _in_place_buffered(function: Function, wish: Wish, name: str) -> list[Step]:
    return [*_marked(function, wish, "in-place-buffered", name), _configure(function, wish, BUFFERED)]


def _marked(function: Function, wish: Wish, via: str, name: str) -> list[Step]:
    tags = to_tags(mark_of(function, wish, via, name))
    return [
        Step(
            Act("tag the function with what is there now", "tag", {"arn": function.arn, "tags": tags}),
            Act("remove these tags", "untag", {"arn": function.arn, "keys": sorted(tags)}),
        )
    ]


def _configure(function: Function, wish: Wish, mode: str) -> Step:
    """One update of everything: with the variable and without the layer, the function would not start."""
    layer = wish.layer or "fact:layer"
    variables = _variables(function, mode)
    before = {name: function.variables.get(name) for name in variables}
    adding = {"add_layer": layer} if layer not in function.layers else {}
    removing = {"remove_layer": layer} if layer not in function.layers else {}
    words = ", ".join(f"{name}={value}" for name, value in variables.items() if value is not None)
    dropped = [name for name, value in variables.items() if value is None and name in function.variables]
    words += f", without {', '.join(dropped)}" if dropped else ""
    timeout = ""
    if wish.timeout_s is not None:
        timeout = f", and a timeout of {wish.timeout_s} s instead of {function.timeout_s} s"
    return Step(
        Act(
            f"add the layer to $LATEST in one update with {words}{timeout}, and wait until it is made",
            "configure",
            {"function": function.name, "variables": variables, **adding, "timeout": wish.timeout_s},
        ),
        Act(
            "take the layer and its variables away in one update, and put back what was there",
            "configure",
            {
                "function": function.name,
                "variables": before,
                **removing,
                "timeout": None if wish.timeout_s is None else function.timeout_s,
            },
        ),
    )


def _url(function: Function, wish: Wish, target: str, qualifier: str) -> list[Step]:
    """Create the URL; one that is open to everybody needs two statements (Lambda Developer Guide, "urls-auth")."""
    cors = next((dict(url.cors) for url in function.urls if url.cors), None)
    on = {"function": target, "qualifier": qualifier}
    place = f"the function {target}" if qualifier == LATEST else f"the alias {qualifier}"
    like = ", with the CORS settings of the old one" if cors else ""
    steps = [
        Step(
            Act(
                f"create a streaming URL for {place} ({wish.auth}){like}",
                "create_url",
                {**on, "auth": wish.auth, "cors": cors},
            ),
            Act(f"delete the URL of {place}; a new one has another address", "delete_url", on),
        )
    ]
    if wish.auth == "NONE":
        permissions: tuple[tuple[str, str, dict[str, Any]], ...] = (
            (STATEMENT, "lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
            (f"{STATEMENT}-invoke", "lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
        )
        for statement, right, condition in permissions:
            permission = {"Action": right, "Principal": "*", **condition}
            steps.append(
                Step(
                    Act(
                        f"let everybody use the URL: {right}",
                        "add_permission",
                        {**on, "statement": statement, "permission": permission},
                    ),
                    Act(f"take {right} from everybody", "remove_permission", {**on, "statement": statement}),
                )
            )
    return steps


WAYS: dict[str, Way] = {
    "in-place": Way("the layer on $LATEST, and a streaming URL for it", AUTO, lambda _: "", _in_place),
    "alias": Way("a new alias with a streaming URL of its own", AUTO, lambda _: "streaming", _alias),
    "second-function": Way(
        "a second function with the same code and a streaming URL",
        UNCHANGED,
        lambda name: f"{name}-stream",
        _second_function,
    ),
    "in-place-buffered": Way(
        "the layer on $LATEST, all answers as before", BUFFERED, lambda _: "", _in_place_buffered, adds_url=False
    ),
}
