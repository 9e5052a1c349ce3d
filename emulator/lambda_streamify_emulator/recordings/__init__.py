"""Recordings: written, read, replayed, compared, drawn, judged."""
