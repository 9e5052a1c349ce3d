"""What has to be made before a function runs: its layers, and its code with what it requires."""
