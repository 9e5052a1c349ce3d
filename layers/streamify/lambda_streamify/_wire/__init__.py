"""The bytes exchanged with the Runtime API: HTTP framing, the streamed response, and JSON as AWS's client writes it.

It imports `_core` and `errors`, and opens no connection.
"""
