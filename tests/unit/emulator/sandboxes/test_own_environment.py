import json
import subprocess
import sys

import pytest

CODE = """
import json, os, subprocess
from pathlib import Path
from lambda_streamify_emulator.sandboxes.own_environment import hide

before = dict(os.environ)
hide()
hide()
child = subprocess.run(["env", "-0"], stdout=subprocess.PIPE, check=True, text=True).stdout
print(json.dumps({
    "shown": Path("/proc/self/environ").read_text(),
    "own": dict(os.environ) == before,
    "child": dict(line.split("=", 1) for line in child.split("\\0") if "=" in line) == before,
    "command": Path("/proc/self/cmdline").read_bytes().split(b"\\0")[1].decode(),
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is /proc that shows environments")
def test_other_processes_see_an_empty_environment_but_the_process_and_its_children_do_not() -> None:
    environment = {"SECRET": "of the developer", "EMPTY": "", "ÜBER": "ä", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, stdout=subprocess.PIPE, check=True, text=True, timeout=60
    )
    found = json.loads(done.stdout)

    assert set(found.pop("shown")) == {"\0"}
    assert found == {"own": True, "child": True, "command": "-c"}
