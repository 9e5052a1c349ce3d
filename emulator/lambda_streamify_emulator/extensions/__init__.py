"""The Extensions API and the Telemetry API of a sandbox, and the external extensions that run in it."""
