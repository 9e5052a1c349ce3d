"""Load tests with streaming metrics."""
