"""A local emulator of AWS Lambda's response streaming: it runs the real, built layer in real processes."""
