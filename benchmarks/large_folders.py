"""What the size of a function's folder costs its streams while others ask for it: each request looks for edits."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import emulators
import http_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GAP = 10_000  # microseconds between two chunks
FOLDERS, FILES = 60, 100  # in each folder

# Two functions with the same code, in folders of 6,000 files and of one.
_TEMPLATE = """
Parameters:
  PythonRuntime: {{Type: String}}
Resources:
  StreamifyLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{ContentUri: {layer}}}
"""
_FUNCTION = """
  {name}:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: {name}
      Handler: app.stamps
      Runtime: !Ref PythonRuntime
      CodeUri: {name}/
      Timeout: 120
      MemorySize: 512
      Layers: [!Ref StreamifyLayer]
      Environment: {{Variables: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify}}}}
      FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
"""
# Asks on one connection, again as soon as it is answered, until its input ends; says how often on its output.
_ASKING = """
import http.client, select, sys
connection, count = http.client.HTTPConnection(sys.argv[1], timeout=60), 0
while not select.select([sys.stdin], [], [], 0)[0]:
    connection.request("GET", "/?count=1&gap=0")
    answer = connection.getresponse()
    assert answer.status == 200 and len(answer.read()) == 20
    count += 1
print(count)
"""


@contextmanager
def serving(scratch: Path) -> Iterator[tuple[str, str]]:
    """The URLs of a function in a folder of 6,000 files, and of one in a folder with one file."""
    project = scratch / "folders"
    for name in ("Large", "Small"):
        (project / name).mkdir(parents=True)
        shutil.copy(emulators.PROJECT / "app.py", project / name)
    for number in range(FOLDERS * FILES):
        file = project / "Large" / f"package{number // FILES}" / f"module{number % FILES}.py"
        file.parent.mkdir(exist_ok=True)
        file.touch()
    template = project / "template.yaml"
    functions = "".join(_FUNCTION.format(name=name) for name in ("Large", "Small"))
    template.write_text(_TEMPLATE.format(layer=emulators.LAYER) + functions)
    with emulators.ours(scratch, template) as emulator:
        yield emulator.urls["Large"], emulator.urls["Small"]


def gaps_ms(url: str, count: int) -> list[float]:
    """The times between the reads of `count` chunks, 10 ms apart, while another client asks the same URL."""
    command = [sys.executable, "-c", _ASKING, urlsplit(url).netloc]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking:
        try:
            time.sleep(0.5)  # until it asks, and its sandbox is warm
            reads = [at for at, _ in http_stream.read(f"{url}?count={count}&gap={GAP}")]
        finally:
            asked, _ = asking.communicate()
    if not asked or int(asked) < count // 50:
        raise RuntimeError(f"the other client was answered {asked or 0} times, which is too few to count")
    return [(after - before) / 1e6 for before, after in pairwise(reads)]
