"""A signal that comes at a chosen moment: the instructions of the layer between which it is handled are counted."""

import signal
import sys
from dis import opname
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import lambda_streamify

if TYPE_CHECKING:
    from collections.abc import Callable

LAYER = str(Path(lambda_streamify.__file__).parent)

# Python runs signal handlers when a function begins, when a call has returned and when a loop goes round
# (CPython's ceval.c, the places that check the "eval breaker").
_HANDLED_AFTER = ("CALL", "JUMP_BACKWARD", "JUMP_ABSOLUTE", "POP_JUMP_BACKWARD")


class Interruption:
    """Has a handler of SIGALRM raise `error` in the code of a folder, at the moment number `at` after `arm` was called.

    A context manager. `fired` tells whether there was such a moment: if not, the last one has been passed.
    """

    def __init__(self, at: int, error: BaseException, folder: str = LAYER) -> None:
        self.fired = False
        self.place = ""
        self._folder = folder
        self._left = at
        self.error = error
        self._last: dict[FrameType, int] = {}

    def __repr__(self) -> str:
        return f"interrupted at {self.place}"

    def arm(self) -> None:
        """Begin to count."""
        frame = sys._getframe()  # noqa: SLF001 - the functions of the layer that run already are traced, too
        while frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code.co_filename.startswith(self._folder):
                frame.f_trace = self._step
                frame.f_trace_opcodes = True
                frame.f_trace_lines = False
        sys.settrace(self._enter)

    def __enter__(self) -> "Interruption":
        self._before = sys.gettrace()
        self._handler = signal.signal(signal.SIGALRM, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        sys.settrace(self._before)
        signal.signal(signal.SIGALRM, self._handler)
        self._last.clear()

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> "Callable[..., Any] | None":
        if not frame.f_code.co_filename.startswith(self._folder):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        self._pass(frame)
        return self._step

    def _step(self, frame: FrameType, event: str, _argument: Any) -> "Callable[..., Any]":
        if event == "opcode":
            last = self._last.get(frame)
            self._last[frame] = frame.f_lasti
            if last is not None and opname[frame.f_code.co_code[last]].startswith(_HANDLED_AFTER):
                self._pass(frame)
        elif event in ("return", "exception"):  # Python runs no signal handler after a call that has raised
            self._last.pop(frame, None)
        return self._step

    def _pass(self, frame: FrameType) -> None:
        if not self.fired:
            self._left -= 1
            if self._left == 0:
                self.fired = True
                self.place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} in {frame.f_code.co_name}"
                self._handle(signal.SIGALRM, frame)

    def _handle(self, _number: int, _frame: "FrameType | None") -> NoReturn:
        raise self.error
