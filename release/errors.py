"""What stops a release."""


class ReleaseError(Exception):
    """A release cannot be made, or is not what it should be. The message says what to do."""
