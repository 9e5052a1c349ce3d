"""The Lambda API, for SDKs and the AWS CLI."""
