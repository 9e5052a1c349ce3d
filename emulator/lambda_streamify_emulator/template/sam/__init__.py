"""What SAM makes of a function's events."""
