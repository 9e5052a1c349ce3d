"""Feed each parser what nobody has thought of, for a while: `make fuzz`.

Atheris drives the parsers, since it sees which inputs reach new lines; where there is none for this Python, Hypothesis
changes the same seeds, blindly. The inputs that reach something new are kept in the user's cache for the next run, and
one that fails in tests/data/fuzz, where the ordinary tests find it: commit it with what mends it.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

INPUT_TIMEOUT_S = 20  # for one input; a parser that takes longer hangs
SLACK_S = 60  # beyond its time, for a fuzzer to start and to end


def kept_corpus(target: str) -> Path:
    """Return the folder of what earlier runs have found to reach new lines."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "lambda-streamify" / "fuzz" / target


def run_atheris(target: str, seconds: float) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["lambda_streamify", "lambda_streamify_emulator"]):
        from fuzz_seeds import CORPUS, INPUT_LIMIT, seeds
        from fuzz_targets import TARGETS

    kept, found = kept_corpus(target), CORPUS / target
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        (kept / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    options = [
        f"-max_total_time={max(1, int(seconds))}",
        f"-max_len={INPUT_LIMIT}",
        f"-timeout={INPUT_TIMEOUT_S}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(kept), str(found)], TARGETS[target])
    atheris.Fuzz()


def run_hypothesis(target: str, seconds: float) -> None:
    """Fuzz one target with changed seeds until the time is over."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    from fuzz_seeds import CORPUS, INPUT_LIMIT, seeds
    from fuzz_targets import TARGETS

    edits = st.lists(st.tuples(st.integers(0, INPUT_LIMIT), st.integers(0, 3), st.binary(max_size=4)), max_size=8)
    changed = st.builds(_changed, st.sampled_from(seeds(target)), edits)

    inputs = 0

    @settings(max_examples=200, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(changed)
    def check(data: bytes) -> None:
        nonlocal inputs
        inputs += 1
        try:
            TARGETS[target](data)
        except BaseException:
            folder = CORPUS / target
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "crash-hypothesis").write_bytes(data)  # the last one is the smallest
            raise

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        check()
    print(f"inputs: {inputs}")


def _changed(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Return the seed after these edits: at a place, so many bytes are replaced."""
    for place, length, new in edits:
        at = place % (len(seed) + 1)
        seed = seed[:at] + new + seed[at + length :]
    return seed


def main() -> int:
    """Run the targets, one process each; the status tells whether one of them failed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=10, help="for each parser")
    asked.add_argument("--target", action="append", help="one parser alone; may be given more than once")
    asked.add_argument("--engine", choices=("atheris", "hypothesis"))
    asked.add_argument("--here", action="store_true", help="run the one target in this process")
    options = asked.parse_args()
    engine = options.engine or ("atheris" if find_spec("atheris") else "hypothesis")
    seconds = options.minutes * 60
    if options.here:  # before the parsers are imported: Atheris sees the lines of what it imports itself
        (run_atheris if engine == "atheris" else run_hypothesis)(options.target[0], seconds)
        return 0
    from fuzz_targets import TARGETS

    targets = options.target or list(TARGETS)
    if unknown := set(targets) - set(TARGETS):
        asked.error(f"no such parser: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    print(f"{engine}, {options.minutes:g} minutes for each parser", flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = list(pool.map(lambda target: _run(target, engine, seconds), targets))
    return 0 if all(passed) else 1


def _run(target: str, engine: str, seconds: float) -> bool:
    """Fuzz one target in a process of its own; returns whether nothing was found, and prints what was."""
    command = [sys.executable, __file__, "--here", "--target", target, "--engine", engine]
    done = subprocess.run(
        [*command, "--minutes", str(seconds / 60)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds + INPUT_TIMEOUT_S + SLACK_S,
        check=False,
    )
    counted = re.search(r"^(?:stat::number_of_executed_units|inputs): *(\d+)", done.stdout, re.MULTILINE)
    print(
        f"{target}: {counted[1] if counted else 'no'} inputs, {'FAILED' if done.returncode else 'nothing found'}",
        flush=True,
    )
    if done.returncode:
        print(done.stdout[-4000:], flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
