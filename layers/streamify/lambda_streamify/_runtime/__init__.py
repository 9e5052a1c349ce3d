"""The runtime: start-up, the invocation loop, a single invocation, the client of the Runtime API, and the log.

It imports every other private package and `errors`; of them only `_concurrency` imports it.
"""
