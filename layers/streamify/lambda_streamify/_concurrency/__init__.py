"""Several invocations at a time, as on Lambda Managed Instances. Other functions do not load it.

It imports `_core`, `_response`, `_runtime`, `_wire` and `errors`. Only `_runtime.bootstrap` imports it.
"""
