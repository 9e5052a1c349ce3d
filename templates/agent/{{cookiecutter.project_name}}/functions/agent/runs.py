"""Where runs are kept, so that a page that was cut off can come back: in DynamoDB, or in a file on your machine."""

import os
import secrets

from lambda_streamify.resume import DynamoDBStore, SQLiteStore

KEPT = 60 * 60  # seconds from the beginning of a run
ID_LENGTH = 22  # characters of base64 for 128 random bits


def new_id():
    return secrets.token_urlsafe(16)


def key_of(run_id, caller):
    """Returns the key of a run. It holds the caller, so that an id alone opens no run of somebody else."""
    return f"{run_id}/{caller}"


def store(on_aws):
    table = os.environ.get("RUNS_TABLE")
    if not on_aws or not table:
        return SQLiteStore(os.environ.get("RUNS_FILE") or "/tmp/agent-runs.db", ttl=KEPT)  # noqa: S108 - this machine's
    import boto3
    from botocore.config import Config

    limits = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3})
    return DynamoDBStore(boto3.client("dynamodb", config=limits), table, ttl=KEPT)
