"""What the dashboard shows: the latest requests and invocations, log lines, and problems of the template."""
