"""Projects in each usual kind of template, read whole: what is served of them, and what is said about the rest."""

from lambda_streamify_emulator.template.apis import Api, Route
from lambda_streamify_emulator.template.cdk.assembly import stack_template
from lambda_streamify_emulator.template.reader import Layer, Template, load_template
from processes import ROOT

PROJECTS = ROOT / "tests" / "data" / "projects"
AND_SERVES = "and the emulator serves AWS_PROXY"


def load(project: str) -> Template:
    return load_template(PROJECTS / project / "template.yaml")


def test_plain_cloudformation() -> None:
    template = load("plain_cloudformation")

    story, health = template.functions
    folder = PROJECTS / "plain_cloudformation"
    assert (story.name, story.code, story.timeout, story.is_built) == ("streamify-story", folder / "src", 60, False)
    assert story.layers == (Layer("Words", folder / "layer"), Layer("streamify", None))
    assert (story.invoke_mode, story.auth_type, story.cors) == ("RESPONSE_STREAM", "NONE", {"AllowOrigins": ["*"]})
    assert (health.name, health.handler, health.invoke_mode) == ("Health", "index.handler", None)
    assert (health.code / "index.py").read_text().startswith("def handler(event, context):\n")
    preflight = (
        ("access-control-allow-origin", "https://page.example"),
        ("access-control-allow-methods", "GET,OPTIONS"),
    )
    routes = (
        Route("GET", "/stories", "streamify-story", is_streamed=True, timeout=60),
        Route("ANY", "/stories/{id}", "Health", is_streamed=False),
        Route("OPTIONS", "/stories", "streamify-story", is_streamed=False, preflight=preflight),
    )
    assert template.apis == (Api("Rest", "live", routes, endpoint="REGIONAL"),)
    assert template.unresolved == ()
    assert template.left_out == (
        "ShowStory: the emulator does not enforce its AuthorizationType: everybody may call it",
        f"RootPage is left out: the type of its integration is HTTP_PROXY, {AND_SERVES}",
    )


def test_sam_with_openapi_definitions() -> None:
    template = load("sam_openapi")

    included, inline, file = template.apis
    assert included == Api(
        "Included",
        "streamify",
        (Route("GET", "/merged", "item", is_streamed=False), Route("GET", "/chat", "stream", is_streamed=True)),
        binary_types=("image/png",),
    )
    assert inline == Api(
        "Inline",
        "prod",
        (
            Route("GET", "/chat", "stream", is_streamed=True, timeout=60),
            Route("ANY", "/items/{id}", "item", is_streamed=False),
        ),
        endpoint="REGIONAL",
    )
    origin = (("access-control-allow-origin", "*"),)
    assert file.routes == (
        Route("GET", "/{proxy+}", "item", is_streamed=False),
        Route("OPTIONS", "/{proxy+}", "item", is_streamed=False, preflight=origin),
    )
    assert template.unresolved == ()
    assert template.left_out == (
        "Included: GET /chat: the emulator does not enforce its security: everybody may call it",
        f"Included: GET /page is not served: the type of its integration is http_proxy, {AND_SERVES}",
        "File: POST /{proxy+} is not served: the uri of its integration is a value that only a deployed stack has",
    )


def test_sam_with_http_apis() -> None:
    template = load("sam_http_api")

    implicit, staged = template.apis
    assert (implicit.name, implicit.kind, implicit.stage) == ("ServerlessHttpApi", "HTTP", "$default")
    assert implicit.cors == {"AllowOrigins": ["https://page.example"], "AllowMethods": ["GET", "POST", "OPTIONS"]}
    assert implicit.routes == tuple(
        Route(method, path, "everything", is_streamed=False, timeout=30, payload_format="2.0")
        for method, path in (("ANY", "$default"), ("ANY", "/files/{proxy+}"), ("GET", "/items/{id}"))
    )
    old = Route("POST", "/old/{id}", "old", is_streamed=False, timeout=5, payload_format="1.0")
    assert staged == Api("Staged", "v1", (old,), kind="HTTP")
    assert template.left_out == ()


def test_a_stack_of_the_cdk() -> None:
    folder = PROJECTS / "cdk_out"
    template = load_template(stack_template(folder, "Stories"))

    story, item = template.functions
    (code,) = (path.parent for path in folder.glob("asset.*/app.py"))
    (words,) = (path.parents[1] for path in folder.glob("asset.*/python/words.py"))
    assert (story.handler, story.code, story.is_built, story.timeout) == ("app.story", code, True, 60)
    assert [layer.content for layer in story.layers] == [words, None]
    assert (story.invoke_mode, item.invoke_mode) == ("RESPONSE_STREAM", None)
    (api,) = template.apis
    assert (api.stage, api.endpoint) == ("prod", "REGIONAL")
    served = {(route.method, route.path): route for route in api.routes}
    assert served.keys() == {
        *(("GET", "/stories"), ("ANY", "/stories/{id}")),
        *(("OPTIONS", "/stories"), ("OPTIONS", "/stories/{id}")),
    }
    assert served["GET", "/stories"] == Route("GET", "/stories", story.name, is_streamed=True, timeout=60)
    assert served["ANY", "/stories/{id}"].function == item.name
    preflight = dict(served["OPTIONS", "/stories"].preflight or ())
    assert preflight["access-control-allow-origin"] == "https://page.example"
    assert (template.left_out, template.unresolved) == ((), ())


def test_a_stage_of_the_cdk_has_its_stacks_in_a_folder_of_its_own() -> None:
    template = load_template(stack_template(PROJECTS / "cdk_out", "Prod/Alone"))

    (inline,) = template.functions
    assert (inline.code / "index.py").read_text() == "def handler(event, context):\n    return 'alone'\n"


def test_what_cannot_be_served_is_named_once_and_the_rest_is_served() -> None:
    template = load("unservable")

    # The emulator itself says which runtimes it has.
    assert [function.name for function in template.functions] == ["served", "Go"]
    assert template.left_out == (
        "Image is left out: its image is not built: run `sam build`, and serve .aws-sam/build/template.yaml",
        "Elsewhere is left out: its CodeUri is !ImportValue code, which cannot be resolved here",
        "NoRuntime is left out: its Runtime is !ImportValue runtime, which cannot be resolved here",
        "OtherUrl is left out: its TargetFunctionArn is no function that is served",
        "Flow is left out: the emulator runs functions, no state machines",
        "served: the event Wrong is not served: Path: 'no-slash' does not begin with /",
    )
