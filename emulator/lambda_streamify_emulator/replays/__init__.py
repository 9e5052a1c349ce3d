"""Replays of recordings: their timing, seeded faults, and the URL that serves them."""
