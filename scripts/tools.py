"""Programs that set-up needs beside Python, and the system's packages that bring them. Standard library only."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from builder.errors import ZooError

NODE_AT_LEAST = 18


def run(command: Sequence[str | Path], doing: str, *, next_step: str) -> None:
    """Run a command, with all that it prints on standard error and nobody to ask. Raises ZooError, which names it, if it fails."""
    print(f"set-up: {doing}", file=sys.stderr)
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        got = f"exit status {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else str(error)
        raise ZooError(
            f"{doing}: {' '.join(map(str, command))} failed",
            got=f"{got}; what it printed is above",
            expected="exit status 0",
            next_step=next_step,
        ) from error


def need_node() -> None:
    """Make sure that node and npm are there, with the distribution's packages where that is ours to do. Raises ZooError if not."""
    if _node_trouble() and can_apt():
        apt_install("nodejs", "npm")
    trouble = _node_trouble()
    if trouble:
        raise ZooError(
            "Node.js cannot be used",
            got=trouble,
            expected=f"node {NODE_AT_LEAST} or newer, and npm",
            next_step="install them (Debian and Ubuntu: sudo apt-get install nodejs npm) and run this again",
        )


def can_apt() -> bool:
    """Whether this is Debian and we may install its packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and _distribution() == "debian"


def apt_install(*packages: str) -> None:
    """Install packages of the distribution. Raises ZooError if that fails."""
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    _apt_update()
    run(
        ["apt-get", "install", "--yes", "--no-install-recommends", *packages],
        f"installing {', '.join(packages)}",
        next_step="mend what apt-get says, or install them by hand, and run this again",
    )


@functools.cache
def _apt_update() -> None:
    run(
        ["apt-get", "update"],
        "asking the distribution for its packages",
        next_step="connect to the internet, or install the packages by hand, and run this again",
    )


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["ID"]
    except OSError:
        return "unknown"


def _node_trouble() -> str:
    """What is wrong with node and npm, or nothing."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        return f"no {' and no '.join(missing)} on PATH"
    result = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    version = result.stdout.strip()
    if result.returncode or not version.startswith("v"):
        return f"node --version ends with status {result.returncode} and prints {version or 'nothing'}"
    return "" if int(version[1:].split(".")[0]) >= NODE_AT_LEAST else f"node {version}"
