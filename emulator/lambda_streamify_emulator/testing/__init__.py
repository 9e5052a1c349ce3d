"""The fixtures of the pytest plugin, and the types that tests annotate them with.

    from lambda_streamify_emulator.testing import Streamify

    def test_the_story_streams(streamify: Streamify) -> None:
        streamify.invoke("StoryFunction").assert_streamed()

`Streamify` is the fixture `streamify`, and `StreamResult` what its calls return. Both are loaded when they are used:
the plugin imports this package in every test run.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fixture import Streamify as Streamify
    from .result import StreamResult as StreamResult

_EXPORTS = {"StreamResult": "result", "Streamify": "fixture"}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
