"""The page, as files of this function. It is for everybody: only runs need a caller."""

from pathlib import Path

FOLDER = Path(__file__).parent / "page"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
FILES = {f"/{path.name}": path for path in sorted(FOLDER.iterdir())} | {"/": FOLDER / "index.html"}

# A model's text may be hostile. The page inserts it as text only, and no script runs but its own (W3C, "Content
# Security Policy Level 3").
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def response(path):
    file = FILES[path]
    return {
        "statusCode": 200,
        "headers": {**HEADERS, "content-type": f"{TYPES[file.suffix]}; charset=utf-8"},
        "body": file.read_text(encoding="utf-8"),
    }
