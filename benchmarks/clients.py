"""Who is measured: a client is a way to start one runtime, with a handler for each task."""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import peers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from workloads import Workload


@dataclass(frozen=True)
class Client:
    """A runtime. `handlers` names its handler for each task, `start` the command for a handler."""

    name: str
    handlers: Mapping[str, str]
    start: Callable[[str], list[str]]
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path = peers.HANDLERS
    sends_every_chunk: bool = False
    streaming: bool = True

    def command(self, task: str) -> list[str]:
        """What the measuring server is to start."""
        return self.start(self.handlers[task])

    def environment(self, task: str) -> dict[str, str]:
        """The variables that Lambda sets, and nothing of the developer's shell but PATH."""
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
            "AWS_REGION": "us-east-1",
            "LAMBDA_TASK_ROOT": str(peers.HANDLERS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "_HANDLER": self.handlers[task],
            **self.variables,
        }

    def streams(self, task: str) -> bool:
        """Whether the response to this task is streamed."""
        return self.streaming and task != "document"

    def expected_body(self, workload: Workload) -> int:
        """How many bytes the body of each response has, without a prelude."""
        if self.streams(workload.task):
            return workload.count * workload.size
        module, _, function = self.handlers[workload.task].partition(".")
        sys.path.insert(0, str(peers.HANDLERS))
        handler: Any = getattr(importlib.import_module(module), function)
        sys.path.pop(0)
        return len(json.dumps(handler(workload.event, None)))
