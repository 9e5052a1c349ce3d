"""The emulator's own HTTP client for function URLs. It signs requests if the URL requires it."""
