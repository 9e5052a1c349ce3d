"""The Python interpreters of this machine, and child processes that end with the emulator."""
