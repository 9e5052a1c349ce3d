"""The layer and the emulator beside software that this project has not written, as its users have it."""
