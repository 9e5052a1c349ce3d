"""What every other part of the package stands on: the running invocation, iteration, error reports, files and JSON.

It imports `errors` and nothing else of the package.
"""
