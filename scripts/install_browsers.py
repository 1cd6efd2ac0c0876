"""Makes sure that this machine has a Chromium and a Firefox which Playwright can drive, and prints where they are.

Only the two paths go to standard output, for scripts/setup.py to read; words for people go to standard error.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from playwright.sync_api import Error, sync_playwright

from builder.errors import ZooError
from fleet.browsers import KINDS, OVERRIDES, Kind, LocalBrowser, find, need
from scripts.tools import apt_install, can_apt

_DEBIAN_PACKAGE = {"chromium": "chromium", "firefox": "firefox-esr"}


def main() -> int:
    """Install what is missing, start each browser once, print the paths; the exit status."""
    try:
        install(_missing())
        found = [need(kind) for kind in KINDS]
        for browser in found:
            version = start_once(browser)
            print(f"set-up: {browser.kind} {version}, {browser.executable}", file=sys.stderr)
    except ZooError as error:
        print(error, file=sys.stderr)
        return 1
    print(*(browser.executable for browser in found), sep="\n")
    return 0


def install(kinds: Sequence[Kind]) -> None:
    """Playwright's own builds, or Debian's where those cannot be had. Raises ZooError only if Debian's cannot be had either."""
    if not kinds:
        return
    # As another user than root, --with-deps would ask for a password.
    deps = ["--with-deps"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "playwright", "install", "--no-shell", *deps, *kinds]
    print(f"set-up: installing {' and '.join(kinds)} through Playwright", file=sys.stderr)
    subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    still = [kind for kind in kinds if find(kind) is None]
    if still and can_apt():
        apt_install(*(_DEBIAN_PACKAGE[kind] for kind in still))


def start_once(browser: LocalBrowser) -> str:
    """Start it, let it add two numbers, and return its version. Raises ZooError if it does not start."""
    try:
        with sync_playwright() as playwright, browser.launch(playwright) as running:
            page = browser.new_context(running).new_page()
            page.evaluate("1 + 1")
            return running.version
    except Error as error:
        raise ZooError(
            f"{browser.executable} does not start",
            got=error.message.splitlines()[0],
            expected=f"a {browser.kind} that Playwright can drive",
            next_step=f"let {OVERRIDES['firefox' if browser.kind == 'firefox' else 'chromium']} name another one; if system libraries are missing, run: "
            f"sudo {sys.executable} -m playwright install-deps",
        ) from error


def _missing() -> list[Kind]:
    return [kind for kind in KINDS if find(kind) is None]


if __name__ == "__main__":
    sys.exit(main())
