"""The Runtime API, which runtimes get their events from and answer to."""
