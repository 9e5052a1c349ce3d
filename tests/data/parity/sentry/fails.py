"""A function that Sentry watches, and that fails while it is imported."""

import watched


def prepare():
    raise ValueError("unset")


prepare()
