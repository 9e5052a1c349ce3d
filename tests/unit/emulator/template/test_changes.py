from dataclasses import replace
from pathlib import Path

from lambda_streamify_emulator.template.apis import Api
from lambda_streamify_emulator.template.changes import changes
from lambda_streamify_emulator.template.functions import Function
from lambda_streamify_emulator.template.reader import Template

HELLO = Function("hello", "Hello", "app.handler", "python3.12", Path("/code"), 3, 128, {"A": "secret"}, (), None)


def test_functions_are_added_and_removed() -> None:
    other = replace(HELLO, name="other")

    assert changes(Template((HELLO,)), Template((other,)), {"other": "http://a/"}) == [
        "other added at http://a/",
        "hello removed",
    ]
    assert changes(Template(()), Template((HELLO,)), {}) == ["hello added"]


def test_settings_are_named_as_in_the_template_and_values_of_variables_are_not_shown() -> None:
    after = replace(
        HELLO, timeout=10, code=Path("/other"), invoke_mode="BUFFERED", environment={"A": "b", "B": ""}, cors={}
    )

    assert changes(Template((HELLO,)), Template((after,)), {}) == [
        "hello: CodeUri, Timeout (3 to 10), variable A, variable B, InvokeMode, Cors changed"
    ]


def test_rest_apis_change_too() -> None:
    before, after = Api("A", "live", ()), Api("A", "other", ())

    assert changes(Template((), apis=(before,)), Template((), apis=(after,)), {}) == ["A: routes changed"]
    assert changes(Template((), apis=(before,)), Template(()), {}) == ["A removed"]


def test_without_a_difference_there_is_no_change() -> None:
    assert changes(Template((HELLO,)), Template((replace(HELLO),)), {}) == []
