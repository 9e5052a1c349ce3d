"""What the commands draw in a terminal: colours, sparklines, a stream as it runs."""
