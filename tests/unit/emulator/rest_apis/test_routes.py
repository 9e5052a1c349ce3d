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


def test_a_resource_may_have_the_name_of_the_stage() -> None:
    found = find(API, "GET", "/live/x")
    nested = find(API, "GET", "/live/live/x")

    assert found is not None
    assert nested is not None
    assert (found.path, nested.path) == ("/live/x", "/live/x")
    assert find(API, "GET", "/lively") is None


def test_the_method_itself_comes_before_any_and_another_resource_does_not_take_over() -> None:
    routes = [("ANY", "/a"), ("POST", "/a"), ("GET", "/a/b"), ("ANY", "/a/{rest+}")]
    api = Api("It", "live", tuple(Route(method, path, f"{method} {path}", is_streamed=True) for method, path in routes))

    def function(method: str, path: str) -> str | None:
        found = find(api, method, path)
        return found and found.route.function

    assert function("POST", "/a") == "POST /a"
    assert function("PUT", "/a") == "ANY /a"
    assert function("GET", "/a/b") == "GET /a/b"
    assert function("PUT", "/a/b") is None
    assert function("PUT", "/a/c") == "ANY /a/{rest+}"


@given(st.text(alphabet="/ab%2{}+.", max_size=12))
def test_any_path_has_a_route_or_none(path: str) -> None:
    found = find(API, "GET", path)

    assert found is None or found.path in (path, path.removeprefix("/live") or "/")
