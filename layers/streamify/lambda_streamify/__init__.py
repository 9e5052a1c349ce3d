"""Response streaming for Python on AWS Lambda."""

__version__ = "0.1.0"
