"""`streamify` under Python's profiler, from one signal (SIGUSR1) to another (SIGUSR2): the first argument is the file.

benchmarks/emulator_profile.py starts it.
"""

import cProfile
import signal
import sys
from pathlib import Path

profile, path = cProfile.Profile(), sys.argv.pop(1)


def end(*_: object) -> None:
    """Write down what has been seen."""
    profile.disable()
    profile.dump_stats(f"{path}.part")
    Path(f"{path}.part").rename(path)  # who waits for the file gets all of it


signal.signal(signal.SIGUSR1, lambda *_: profile.enable())
signal.signal(signal.SIGUSR2, end)

if __name__ == "__main__":
    from lambda_streamify_emulator.__main__ import main

    main()
