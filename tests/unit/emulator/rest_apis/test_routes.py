import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.rest_apis.routes import find
from lambda_streamify_emulator.template.apis import Api, Route

PATHS = ["/", "/a", "/a/{id}", "/a/b", "/a/{id}/c", "/a/{rest+}", "/only/{rest+}", "/live/x"]
API = Api("It", "live", tuple(Route("GET", path, path, is_streamed=True) for path in PATHS))

MATCHES = [
    ("/", "/", {}),
    ("/a", "/a", {}),
    ("/a/", "/a", {}),
    ("/a/b", "/a/b", {}),
    ("/a/x", "/a/{id}", {"id": "x"}),
    ("/a/x%2Fy/", "/a/{id}", {"id": "x%2Fy"}),
    ("/a/b/c", "/a/{id}/c", {"id": "b"}),
    ("/a/b/d", "/a/{rest+}", {"rest": "b/d"}),
    ("/only/1/2/", "/only/{rest+}", {"rest": "1/2"}),
    ("/only", None, {}),
    ("/A", None, {}),
    ("/b", None, {}),
]


@pytest.mark.parametrize(("path", "resource", "variables"), MATCHES)
@pytest.mark.parametrize("stage", ["", "/live"])
def test_the_most_exact_resource_answers_with_and_without_the_stage(
    path: str, resource: str | None, variables: dict[str, str], stage: str
) -> None:
    found = find(API, "GET", stage + path)

    if resource is None:
        assert found is None
    else:
        assert found is not None
        assert (found.route.path, found.variables, found.path) == (resource, variables, path)


def test_a_stage_that_comes_first_is_never_part_of_the_path() -> None:
    nested = find(API, "GET", "/live/live/x")

    assert nested is not None
    assert (nested.route.path, nested.path) == ("/live/x", "/live/x")
    assert find(API, "GET", "/live/x") is None
    assert find(API, "GET", "/lively") is None


def api_of(*routes: tuple[str, str]) -> Api:
    return Api(
        "It", "live", tuple(Route(method, path, f"{method} {path}", is_streamed=True) for method, path in routes)
    )


@pytest.mark.parametrize("path", ["/live", "/live/", "/live//", "//live", "/", "//"])
def test_a_proxy_for_the_rest_does_not_serve_the_root(path: str) -> None:
    assert find(api_of(("ANY", "/{proxy+}")), "GET", path) is None


@pytest.mark.parametrize(
    ("path", "below", "proxy"),
    [
        ("/live/test", "/test", "test"),
        ("//live/test", "/test", "test"),
        ("/live//test", "/test", "test"),
        ("//test", "/test", "test"),
        ("/live/a//b///c", "/a//b///c", "a//b///c"),
        ("/live/a//", "/a//", "a"),
        ("/live/live", "/live", "live"),
    ],
)
def test_slashes_at_the_beginning_are_one_and_those_within_stay(path: str, below: str, proxy: str) -> None:
    found = find(api_of(("ANY", "/{proxy+}")), "GET", path)

    assert found is not None
    assert (found.path, found.variables) == (below, {"proxy": proxy})


def test_between_two_slashes_there_is_no_part_that_a_variable_stands_for() -> None:
    api = api_of(("GET", "/a/{id}/c"), ("GET", "/b/c"), ("GET", "/rest/{rest+}"))
    rest = find(api, "GET", "/rest//x")

    assert find(api, "GET", "/a//c") is None
    assert find(api, "GET", "/b//c") is None
    assert rest is not None
    assert rest.variables == {"rest": "/x"}


def test_the_method_itself_comes_before_any() -> None:
    api = api_of(("ANY", "/a"), ("POST", "/a"))

    for method, route in (("POST", "POST"), ("PUT", "ANY")):
        found = find(api, method, "/a")
        assert found is not None
        assert found.route.method == route


def test_a_resource_without_the_method_leaves_the_request_to_another_one_that_has_it() -> None:
    api = api_of(("POST", "/test"), ("ANY", "/test/any"), ("OPTIONS", "/{proxy+}"))

    def function(method: str, path: str) -> str | None:
        found = find(api, method, path)
        return found and found.route.function

    found = find(api, "OPTIONS", "/live/test")
    assert found is not None
    assert (found.route.path, found.path, found.variables) == ("/{proxy+}", "/test", {"proxy": "test"})
    assert function("POST", "/live/test") == "POST /test"
    assert function("OPTIONS", "/live/test/any") == "ANY /test/any"
    assert function("OPTIONS", "/live/other") == "OPTIONS /{proxy+}"
    assert function("GET", "/live/test") is None


@given(st.text(alphabet="/ab%2{}+.", max_size=12))
def test_any_path_has_a_route_or_none(path: str) -> None:
    found = find(API, "GET", path)

    assert found is None or found.path == f"/{path.lstrip('/')}"
