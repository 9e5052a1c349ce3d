"""All pictures, each with its place below docs/."""

from pathlib import Path

from . import adding, calls, import_maps, lifecycle, terminal, timelines, ways

DOCS = Path(__file__).resolve().parents[2]


def pictures() -> dict[str, str]:
    """Return each picture by its place."""
    return {
        "explanation/layer.svg": import_maps.layer(),
        "explanation/emulator.svg": import_maps.emulator(),
        "explanation/calls.svg": calls.picture(),
        "explanation/ways.svg": ways.picture(),
        "explanation/errors.svg": lifecycle.picture(),
        "guides/operate/held.svg": timelines.picture(),
        "guides/adding.svg": adding.picture(),
        "demo.svg": terminal.picture(),
    }
