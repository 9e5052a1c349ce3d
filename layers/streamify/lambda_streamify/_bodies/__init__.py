"""What makes response chunks of users' iterables: encoding, joining, keep-alive records, time limits.

It imports `_response`, `_core` and `errors`.
"""
