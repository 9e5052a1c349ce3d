"""One invocation: its event, the channel of its response, its log, its limits."""
