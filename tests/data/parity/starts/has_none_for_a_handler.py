"""Has no handler, but its name."""

handler = None
