"""What recordings show: whether a stream streamed, how two differ, a picture of the chunks."""
