"""The SAM template: what of it the emulator serves."""
