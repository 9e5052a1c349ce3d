"""The dashboard, a page on the port of the Lambda API."""
