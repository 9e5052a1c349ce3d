"""Has a function in C for a handler."""

handler = divmod
