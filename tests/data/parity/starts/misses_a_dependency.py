"""Imports what is not installed."""

import no_such_distribution.part
