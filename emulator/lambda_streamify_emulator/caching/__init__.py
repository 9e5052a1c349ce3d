"""The emulator's cache folder, and archives that are unpacked into it."""
