"""Browsers on this machine: which one to use, and how Playwright must start it.

Set-up, the fleet and the tests all ask here, so that they use the same browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NotRequired, TypedDict, get_args

from playwright.sync_api import Browser, BrowserContext, Playwright

from builder.errors import ZooError

Kind = Literal["chromium", "firefox"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Engine = Literal["chromium", "firefox", "webkit"]
ENGINES: tuple[Engine, ...] = get_args(Engine)

OVERRIDES: Mapping[Kind, str] = {"chromium": "ZOO_CHROMIUM", "firefox": "ZOO_FIREFOX"}

# Chromium's software GPU: it makes WebGPU's outputs checkable where there is no GPU, hundreds of times too slowly to time.
_SWIFTSHADER = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan")

_ON_PATH: Mapping[Kind, tuple[str, ...]] = {
    "chromium": (
        "google-chrome-stable",
        "google-chrome",
        "chromium",
        "chromium-browser",
        "microsoft-edge-stable",
        "microsoft-edge",
    ),
    "firefox": ("firefox-esr", "firefox"),
}
_ON_MACOS: Mapping[Kind, tuple[str, ...]] = {
    "chromium": (
        "Google Chrome.app/Contents/MacOS/Google Chrome",
        "Chromium.app/Contents/MacOS/Chromium",
        "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "firefox": ("Firefox.app/Contents/MacOS/firefox",),
}
_ON_WINDOWS: Mapping[Kind, tuple[str, ...]] = {
    "chromium": (
        "Google/Chrome/Application/chrome.exe",
        "Chromium/Application/chrome.exe",
        "Microsoft/Edge/Application/msedge.exe",
    ),
    "firefox": ("Mozilla Firefox/firefox.exe",),
}
# Started on its own, because the synchronous Playwright refuses to start a second time where one is running, as in the tests.
_PRINT_PLAYWRIGHTS_OWN = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    for kind in (playwright.chromium, playwright.firefox, playwright.webkit):
        print(kind.executable_path)
"""


class LaunchOptions(TypedDict):
    """What BrowserType.launch is given."""

    executable_path: Path
    args: list[str]
    channel: NotRequired[str]


class ContextOptions(TypedDict, total=False):
    """What Browser.new_context is given."""

    color_scheme: Literal["null"]
    reduced_motion: Literal["null"]
    forced_colors: Literal["null"]
    contrast: Literal["null"]


# Firefox refuses the emulations that Playwright 1.62 asks for over BiDi, even unasked.
BIDI_CONTEXT = ContextOptions(color_scheme="null", reduced_motion="null", forced_colors="null", contrast="null")


@dataclass(frozen=True)
class LocalBrowser:
    """One browser on this machine. `patched` tells Playwright's own build, which speaks Playwright's own protocol, from an installed one."""

    kind: Engine
    executable: Path
    patched: bool = False

    @property
    def speaks_bidi(self) -> bool:
        """Whether Playwright drives it through WebDriver BiDi: the only way into a Firefox that is not Playwright's own."""
        return self.kind == "firefox" and not self.patched

    def launch_options(self, *, swiftshader: bool = False) -> LaunchOptions:
        """How Playwright starts it. `swiftshader` adds WebGPU in software, for Chromium only."""
        args = list(_SWIFTSHADER) if swiftshader and self.kind == "chromium" else []
        options = LaunchOptions(executable_path=self.executable, args=args)
        if self.speaks_bidi:
            options["channel"] = "moz-firefox"
        return options

    def context_options(self) -> ContextOptions:
        """How Playwright opens a window in it."""
        return BIDI_CONTEXT if self.speaks_bidi else ContextOptions()

    def launch(self, playwright: Playwright, *, swiftshader: bool = False) -> Browser:
        """Start it without a window. Raises playwright.sync_api.Error if it does not start.

        Ctrl-C is left to the caller; else Playwright's own process would end at once, and with it the way to close anything.
        """
        browser_type = {"chromium": playwright.chromium, "firefox": playwright.firefox, "webkit": playwright.webkit}
        return browser_type[self.kind].launch(**self.launch_options(swiftshader=swiftshader), handle_sigint=False)

    def new_context(self, browser: Browser) -> BrowserContext:
        """A fresh profile in `browser`."""
        return browser.new_context(**self.context_options())


def find(kind: Kind) -> LocalBrowser | None:
    """The browser to use: the one that ZOO_CHROMIUM or ZOO_FIREFOX names, else an installed one, else Playwright's own.

    Raises ZooError if the environment names a file that cannot be run.
    """
    named = os.environ.get(OVERRIDES[kind])
    if named:
        return LocalBrowser(kind, _checked(named, OVERRIDES[kind]))
    for path in candidates(kind, sys.platform, os.environ):
        if _is_executable(path) and not _is_snap(path):
            return LocalBrowser(kind, path)
    own = _playwrights_own()[kind]
    return LocalBrowser(kind, own, patched=True) if own.exists() else None


def find_named(name: str) -> LocalBrowser | None:
    """Like `find`, also for chrome and edge (those very ones) and webkit (Playwright's own build, the only one that it drives)."""
    if name in ("chromium", "firefox"):
        return find("chromium" if name == "chromium" else "firefox")
    if name == "webkit":
        own = _playwrights_own()["webkit"]
        return LocalBrowser("webkit", own, patched=True) if own.exists() else None
    for path in candidates("chromium", sys.platform, os.environ):
        if name in path.name.lower() and _is_executable(path) and not _is_snap(path):
            return LocalBrowser("chromium", path)
    return None


def need(kind: Engine) -> LocalBrowser:
    """Like `find_named`, but raises ZooError if there is none."""
    browser = find_named(kind)
    if browser is None:
        wanted = {"chromium": "Chrome, Chromium or Edge", "firefox": "Firefox", "webkit": "Playwright's own WebKit"}
        raise ZooError(
            f"there is no {kind} browser on this machine",
            got="none in the usual places, and none of Playwright's",
            expected=wanted[kind],
            next_step="run: python -m playwright install webkit"
            if kind == "webkit"
            else f"run: make setup; or install one; or let {OVERRIDES[kind]} name its executable",
        )
    return browser


def candidates(kind: Kind, platform: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Where a browser of this kind would be on this platform (as sys.platform names it), the preferred one first."""
    if platform == "darwin":
        folders = [Path("/Applications"), Path(environment.get("HOME", "/")) / "Applications"]
        yield from (folder / name for name in _ON_MACOS[kind] for folder in folders)
    elif platform == "win32":
        roots = (environment.get(name) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"))
        folders = [Path(root) for root in roots if root]
        yield from (folder / name for name in _ON_WINDOWS[kind] for folder in folders)
    else:
        found = (shutil.which(name, path=environment.get("PATH")) for name in _ON_PATH[kind])
        yield from (Path(path) for path in found if path)


def _checked(named: str, variable: str) -> Path:
    path = Path(named).expanduser().absolute()
    if not _is_executable(path):
        raise ZooError(
            f"{variable} names no browser",
            got=named,
            expected="the path of an executable file",
            next_step=f"correct {variable}, or unset it to use the browser that is found",
        )
    return path


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _is_snap(path: Path) -> bool:
    """Whether a snap is behind `path`. A snap has a /tmp of its own, so it does not see the profile that Playwright writes for it."""
    if path.resolve().name == "snap":
        return True
    with path.open("rb") as file:
        start = file.read(4096)
    return start.startswith(b"#!") and b"/snap/" in start


def _playwrights_own() -> Mapping[Engine, Path]:
    command = [sys.executable, "-c", _PRINT_PLAYWRIGHTS_OWN]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return {kind: Path(line) for kind, line in zip(ENGINES, printed.splitlines(), strict=True)}
