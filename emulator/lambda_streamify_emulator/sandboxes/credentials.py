"""Detects that a function has found no AWS credentials, and says why."""

from ..invocations.channel import FunctionError

HINT = "functions do not get your AWS credentials; to pass them on, use --with-credentials"
NO_CREDENTIALS = "NoCredentialsError"  # an exception of botocore


def misses_credentials(error: FunctionError) -> bool:
    """Whether botocore found no credentials.

    After the first byte of the response, the error type says so. Before it, only the report does: the platform replaces
    the type.
    """
    return error.error_type == f"Function.{NO_CREDENTIALS}" or f'"{NO_CREDENTIALS}"'.encode() in error.details
