"""The AWS region and account that functions see."""

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
