"""Writes all pictures."""

from .drawn import DOCS, pictures

for name, picture in pictures().items():
    (DOCS / name).write_text(picture, encoding="utf-8")
