"""Handlers wrapped by the libraries people use (Powertools and others), under the built layer."""
