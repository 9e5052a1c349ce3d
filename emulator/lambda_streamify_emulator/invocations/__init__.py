"""One invocation: its event, the way of its response, its log, its limits."""
