"""Templates: what of them the emulator serves."""
