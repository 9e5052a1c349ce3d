"""Answers with a large JSON document: objects, texts and numbers, as an API's list of records."""

TYPE_CHECKING = False  # typing costs 6 ms
if TYPE_CHECKING:
    from typing import Any


def handler(event: "Any", _context: object) -> "list[dict[str, Any]]":
    """Return `count` records."""
    return [
        {"id": number, "name": f"record {number}", "tags": ["a", "b", "c"], "price": number / 7, "active": True}
        for number in range(event["bench"]["count"])
    ]
