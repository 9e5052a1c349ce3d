"""The figures of a stream that `observe` reports.

It imports `errors`.
"""
