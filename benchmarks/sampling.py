"""One run of one client under the measuring server, checked before it counts."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from clients import Client
    from workloads import Workload

TIMEOUT_S = 60  # seconds; the longest run takes two
_LAG = re.compile(r"^lag_ms=([0-9.]+)$", re.MULTILINE)


class MeasurementError(Exception):
    """A run that did not do what it was to measure."""


@dataclass(frozen=True)
class Sample:
    """What the server saw, in the units of the report."""

    workload: Workload
    seen: dict[str, Any]
    log: str

    @property
    def _seconds(self) -> float:
        return sum(float(invocation["last_byte_ns"]) for invocation in self.seen["invocations"]) / 1e9

    def _median(self, key: str) -> float:
        return float(statistics.median(invocation[key] for invocation in self.seen["invocations"]))

    @property
    def chunks_per_second(self) -> float:
        """From the invocation handed out to the last byte of its response."""
        return self.workload.count * self.workload.invocations / self._seconds

    @property
    def megabytes_per_second(self) -> float:
        """Millions of bytes, likewise."""
        return self.chunks_per_second * self.workload.size / 1e6

    @property
    def milliseconds_per_response(self) -> float:
        """From the invocation handed out to the last byte of its response; the median invocation."""
        return self._median("last_byte_ns") / 1e6

    @property
    def first_byte_us(self) -> float:
        """From the invocation handed out to the first byte of its body; the median invocation."""
        return self._median("first_byte_ns") / 1e3

    @property
    def delay_us(self) -> float:
        """From a chunk's making to its last byte at the server; the median chunk."""
        return float(statistics.median(self.seen["delays_ns"])) / 1e3

    @property
    def start_ms(self) -> float:
        """From the process's start to its first request for an invocation."""
        return float(self.seen["first_next_ns"]) / 1e6

    @property
    def start_cpu_ms(self) -> float:
        """Processor time that the process took until then."""
        return float(self.seen["cpu_at_first_next_ns"]) / 1e6

    @property
    def cpu_ms(self) -> float:
        """Processor time of all processes, from their start to the end of the last response."""
        return float(self.seen["cpu_ns"]) / 1e6

    @property
    def cpu_us_per_chunk(self) -> float:
        """Processor time of all processes during the measured invocations, for each chunk."""
        return float(self.seen["run_ns"]) / 1e3 / (self.workload.count * self.workload.invocations)

    @property
    def cold_first_byte_ms(self) -> float:
        """From the process's start to the first byte of its first response's body."""
        return float(self.seen["first_byte_ns"]) / 1e6

    @property
    def resident_mb(self) -> float:
        """Resident memory when the first invocation is asked for."""
        return float(self.seen["resident_kb"]) / 1024

    @property
    def growth_mb(self) -> float:
        """By how much the measured invocations raised the peaks of all processes' resident memory."""
        return (float(self.seen["peak_kb"]) - float(self.seen["peak_before_kb"])) / 1024

    @property
    def memory_mb(self) -> float:
        """What all processes hold after the last response; a page that several share counts once (PSS)."""
        return float(self.seen["proportional_kb"]) / 1024

    @property
    def ahead_mb(self) -> float:
        """Millions of bytes that were made by the time that a reader went on, and that it had not read."""
        return float(self.seen["ahead"]) / 1e6

    @property
    def streams_per_second(self) -> float:
        """From the first invocation handed out to the last byte of all, which overlap."""
        return self.workload.invocations / (float(self.seen["duration_ns"]) / 1e9)

    @property
    def slowest_delay_ms(self) -> float:
        """From a chunk's making to its last byte at the server; the 99th percentile."""
        ordered = sorted(self.seen["delays_ns"])
        return float(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]) / 1e6

    @property
    def first_bytes_ms(self) -> list[float]:
        """From the invocation handed out to the first byte of its body, for each of them."""
        return [float(invocation["first_byte_ns"]) / 1e6 for invocation in self.seen["invocations"]]

    @property
    def lag_ms(self) -> float:
        """By how much the latest tick of the handler's other task was late."""
        return max(map(float, _LAG.findall(self.log)), default=0.0)


def take_sample(server: Path, client: Client, workload: Workload) -> Sample:
    """Run `workload` on a fresh process of `client`."""
    done = subprocess.run(
        [str(server), *server_options(workload), "--", *client.command(workload.task)],
        cwd=client.folder,
        env={**client.environment(workload.task), **workload.variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S + 10,
        check=False,
    )
    what = f"{client.name}, {workload.name}"
    if done.returncode != 0:
        raise MeasurementError(f"{what}: the server exited {done.returncode}:\n{done.stderr}")
    sample = Sample(workload, json.loads(done.stdout), done.stderr)
    check(what, sample, client)
    return sample


def server_options(workload: Workload) -> list[str]:
    """How the measuring server is told; c/server.c explains each option."""
    options = ["-t", str(TIMEOUT_S), "-n", str(workload.invocations), "-e", json.dumps(workload.event)]
    if workload.warm_up_event:
        options += ["-w", workload.warm_up_event]
    if workload.rate:
        options += ["-r", str(workload.rate)]
    if workload.stop_ms:
        options += ["-h", str(workload.stop_ms)]
    if workload.at_a_time:
        gap_ns, held_ms = workload.wait_ms * 1_000_000 // workload.at_a_time, workload.count * workload.wait_ms // 2
        options += ["-c", str(workload.at_a_time), "-g", str(gap_ns), "-m", str(max(held_ms, 1))]
    flags = {"-s": workload.stamped, "-f": workload.failing, "-u": not workload.pinned}
    return options + [flag for flag, wanted in flags.items() if wanted]


def check(what: str, sample: Sample, client: Client) -> None:
    """Raise unless the client sent what the workload asks for, in the way that it claims."""
    workload, invocations = sample.workload, sample.seen["invocations"]
    if workload.failing:
        expected = client.expected_body(workload)
        if not all(invocation["tail"].startswith("x" * expected) for invocation in invocations):
            raise MeasurementError(f"{what}: less than the {expected} bytes before the error: {invocations}")
        return
    if workload.stamped and len(sample.seen["delays_ns"]) != workload.count * workload.invocations:
        raise MeasurementError(f"{what}: {len(sample.seen['delays_ns'])} time stamps came")
    if not all(invocation["streamed"] == client.streams(workload.task) for invocation in invocations):
        raise MeasurementError(f"{what}: streamed where it should not be, or not where it should: {invocations}")
    if workload.at_a_time and not client.streaming:
        return  # the stamps have been counted, and each answer differs from the next
    expected = client.expected_body(workload)
    if [invocation["body"] for invocation in invocations] != [expected] * workload.invocations:
        raise MeasurementError(f"{what}: not {workload.invocations} bodies of {expected} bytes: {invocations}")
    if client.sends_every_chunk and client.streams(workload.task):
        chunks = workload.count + 1  # the prelude is one
        if any(invocation["chunks"] != chunks for invocation in invocations):
            raise MeasurementError(f"{what}: not {chunks} chunks: {invocations}")
    if "ticker" in workload.task and not sample.lag_ms > 0:
        raise MeasurementError(f"{what}: the ticker never ticked:\n{sample.log}")
