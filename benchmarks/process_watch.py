"""What a process uses while it runs, from Linux's /proc, and when its Playwright driver (a process of node's) began and ended."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import ROOT

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK_EVERY_S = 0.05
_DRIVER = "node"


@dataclass(frozen=True)
class Use:
    """What a process has used so far: user and system time, without its children's, and the most memory, in millions of bytes."""

    cpu_s: float = 0.0
    peak_mb: float = 0.0


@dataclass(frozen=True)
class Watched:
    """A command from its start to its end, in seconds, cut where its driver began and ended: in between, browsers are started, pages opened,
    runs made, and browsers ended.

    own, driver: what the command's own process and its driver used in between; peak_mb since their starts. shown: all that it printed.
    status: its exit status.
    """

    starting_s: float
    driving_s: float
    ending_s: float
    own: Use
    driver: Use
    shown: str
    status: int

    @property
    def whole_s(self) -> float:
        """From the start of the process to its end."""
        return self.starting_s + self.driving_s + self.ending_s


def use_of(pid: int) -> Use | None:
    """None if there is no such process, or nothing left of it than its exit status."""
    try:
        # The name, in brackets, may itself have spaces and brackets.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        status = (_PROC / str(pid) / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), None)
    return Use((int(fields[11]) + int(fields[12])) / _TICKS, int(peak) * 1024 / 1e6) if peak else None


def watch(command: Sequence[str], *, terminal: bool = False) -> Watched:
    """Run the command to its end, writing to a pipe or to a terminal of its own.

    Raises SystemExit if it starts no driver.
    """
    inner, outer = pty.openpty() if terminal else os.pipe()
    printed: list[bytes] = []
    reader = threading.Thread(target=_read, args=(inner, printed))
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=outer, stderr=outer) as process:
        os.close(outer)
        reader.start()
        driver = _driver_of(process)
        began = time.perf_counter()
        before = own = use_of(process.pid) or Use()
        of_driver = Use()
        while driver and (found := use_of(driver)):
            of_driver, own = found, use_of(process.pid) or own
            time.sleep(_LOOK_EVERY_S)
        ended = time.perf_counter()
        process.wait()
        over = time.perf_counter()
    reader.join()
    shown = b"".join(printed).decode(errors="replace")
    if not driver:
        raise SystemExit(f"{' '.join(command)} drove no browser; exit status {process.returncode}\n{shown}")
    own = Use(own.cpu_s - before.cpu_s, own.peak_mb)
    return Watched(began - start, ended - began, over - ended, own, of_driver, shown, process.returncode)


def _driver_of(process: subprocess.Popen[bytes]) -> int | None:
    """Wait until it has started its driver; None if it ends without."""
    while process.poll() is None:
        for child in _children(process.pid):
            if _program(child) == _DRIVER:
                return child
        time.sleep(_LOOK_EVERY_S)
    return None


def _children(pid: int) -> list[int]:
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _program(pid: int) -> str:
    """By its file: node calls its processes otherwise."""
    try:
        return (_PROC / str(pid) / "exe").readlink().name
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _read(inner: int, printed: list[bytes]) -> None:
    with os.fdopen(inner, "rb", buffering=0) as file:
        try:
            while data := file.read(4096):
                printed.append(data)
        except OSError:
            return  # How a terminal says that nobody writes to it any more.
