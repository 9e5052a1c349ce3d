"""Imports a name that is not there."""

from json import no_such_name
