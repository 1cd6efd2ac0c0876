"""What tests that start programs share."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from scripts.serving import ROOT

PATIENCE_S = 90.0
_MARK = "ZOO_TEST_PROGRAM"


def plain_environment(**more: str) -> dict[str, str]:
    """This process's environment without what an outer `make` would tell an inner one, and with `more`."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTEST_"))
    }
    return {**inherited, **more}


@dataclass
class Program:
    """A program that runs; everything that it started carries `mark` in its environment. seen: what it printed, as far as was waited."""

    process: subprocess.Popen[str]
    mark: str
    lines: queue.Queue[str | None]
    seen: list[str] = field(default_factory=list)

    def until(self, text: str, patience_s: float = PATIENCE_S) -> str:
        """Wait for a line that has this text; what was printed from the last wait up to it."""
        start, deadline = len(self.seen), time.monotonic() + patience_s
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                line = self.lines.get(timeout=1)
                assert line is not None, "it ended, and printed: " + "".join(self.seen)
                self.seen.append(line)
                if text in line:
                    return "".join(self.seen[start:])
        raise AssertionError(f"no {text!r} in: {''.join(self.seen)}")

    def end(self, patience_s: float = PATIENCE_S) -> tuple[int, str]:
        """Wait until it has ended by itself; its exit status, and all that it printed."""
        status = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(patience_s)
        with contextlib.suppress(queue.Empty):
            while (line := self.lines.get(timeout=1)) is not None:
                self.seen.append(line)
        printed = "".join(self.seen)
        assert status is not None, f"it goes on after {patience_s:g} s, and printed: {printed}"
        return status, printed

    def its_processes(self) -> dict[int, str]:
        """Every process that it started and that lives, by id: its command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{_MARK}={self.mark}".encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        found.pop(self.process.pid, None)
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """SIGTERM, as a service manager sends it, or another; the seconds until it had ended."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE_S)
        return time.monotonic() - started


@contextlib.contextmanager
def running_program(command: Sequence[str], **environment: str) -> Iterator[Program]:
    """The program in the project's folder, stopped at the end if it still runs."""
    mark = uuid.uuid4().hex
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=plain_environment(**{"PYTHONUNBUFFERED": "1", **environment, _MARK: mark}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        program = Program(process, mark, queue.Queue())
        assert process.stdout is not None
        reading = threading.Thread(target=_read, args=(process.stdout, program.lines))
        reading.start()
        try:
            yield program
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
            reading.join()


def _read(source: IO[str], sink: queue.Queue[str | None]) -> None:
    for line in source:
        sink.put(line)
    sink.put(None)
