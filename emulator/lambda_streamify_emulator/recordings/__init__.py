"""Recordings of streams: the format, writing, reading, and the figures of their timing."""
