"""What every benchmark prints: the machine it ran on, and each figure beside its limit."""

from __future__ import annotations

import os
import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def machine() -> str:
    """The processor, how many cores this process may use, its memory, the system and Python's version."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{name}, {cores} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def verdict(what: str, value: float, limit: float, unit: str) -> bool:
    """Print the figure and its limit; whether it is kept."""
    kept = value <= limit
    print(f"{what}: {value:.3g} {unit}, {'within' if kept else 'OVER'} the limit of {limit:g} {unit}")
    return kept
