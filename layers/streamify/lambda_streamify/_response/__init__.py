"""What a handler returned, and in which form its caller receives it.

It imports `_wire`, `_core` and `errors`.
"""
