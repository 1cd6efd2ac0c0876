"""What a process uses while it runs, from Linux's /proc: processor time, memory, and which processes it has started."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of that process so far, its children's left out."""
    # The name, in brackets, may itself have spaces and brackets.
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_mb(pid: int) -> float:
    """The most memory that it has had so far, in millions of bytes."""
    status = (_PROC / str(pid) / "status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def child_named(pid: int, name: str) -> int | None:
    """A process of that name that `pid` itself has started, if there is one now."""
    for thread in (_PROC / str(pid) / "task").iterdir():
        for child in (thread / "children").read_text().split():
            if (_PROC / child / "comm").read_text().strip() == name:
                return int(child)
    return None
