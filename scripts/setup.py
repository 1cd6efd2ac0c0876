"""Set-up: the virtual environment, Python and npm packages, browsers. `make` runs it first, and it does only what is not done.

Runs on a bare Python before the environment exists and on the environment's own afterwards, so: standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from builder.errors import ZooError
from scripts.stamps import Step, digest, ensure, one_at_a_time
from scripts.tools import apt_install, can_apt, need_node, run

ROOT = Path(__file__).resolve().parent.parent
STAMPS = ROOT / ".setup"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
AGAIN = "mend what it says and run the same make command again; what is done already is not repeated"


def main() -> int:
    """Do every step that is not done; the exit status."""
    os.chdir(ROOT)
    try:
        with one_at_a_time(STAMPS):
            if Path(sys.prefix).resolve() != VENV.resolve():
                make_environment()
            for step in (python_packages(), npm_packages(), browsers()):
                ensure(step, STAMPS)
    except ZooError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def make_environment() -> None:
    """Make .venv with the Python that runs this, anew if a broken one is there. Raises ZooError if it cannot."""
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode:
        # Debian keeps these two modules in a package of their own.
        if not can_apt():
            raise ZooError(
                "a virtual environment cannot be made",
                got=f"{sys.executable} has no venv or no ensurepip module",
                expected="a Python with both",
                next_step="install them (Debian and Ubuntu: sudo apt-get install python3-venv) and run this again",
            )
        apt_install("python3-venv")
    run(
        [sys.executable, "-m", "venv", "--clear", VENV],
        f"making .venv with Python {sys.version.split()[0]}",
        next_step=AGAIN,
    )


def python_packages() -> Step:
    """pip, with the lock as constraints: it pins what is installed, and leaves out what another build of torch does not need."""
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--requirement", "requirements.in", "--constraint", "requirements.lock"]

    def act() -> Sequence[Path]:
        run(command, "installing Python packages (PyTorch is the large one)", next_step=AGAIN)
        return [VENV / "pyvenv.cfg"]

    # pyvenv.cfg names the Python that the environment is of.
    files = [VENV / "pyvenv.cfg", ROOT / "requirements.in", ROOT / "requirements.lock"]
    return Step("python-packages", digest(*command, *files), act)


def npm_packages() -> Step:
    """npm, exactly what package-lock.json says; no package runs a script of its own for that."""
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]

    def act() -> Sequence[Path]:
        need_node()
        run(command, "installing npm packages", next_step=AGAIN)
        return [ROOT / "node_modules" / ".package-lock.json"]

    return Step("npm-packages", digest(*command, ROOT / "package.json", ROOT / "package-lock.json"), act)


def browsers() -> Step:
    """Chromium and Firefox: those of this machine, else installed now, and each started once."""

    def act() -> Sequence[Path]:
        command = [str(PYTHON), "-m", "scripts.install_browsers"]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode:
            raise ZooError(
                "set-up has no browsers",
                got="what is said above",
                expected="a Chromium and a Firefox that start",
                next_step=AGAIN,
            )
        return [Path(line) for line in result.stdout.splitlines()]

    named = [os.environ.get(name, "") for name in ("ZOO_CHROMIUM", "ZOO_FIREFOX", "PLAYWRIGHT_BROWSERS_PATH")]
    # Another Playwright may drive other browsers; the lock says which one it is.
    return Step("browsers", digest(ROOT / "requirements.lock", *named), act)


if __name__ == "__main__":
    sys.exit(main())
