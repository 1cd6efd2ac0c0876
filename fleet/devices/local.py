"""A browser of this machine, started without a window, and what it may pretend to be."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession, Error

from builder.errors import ZooError
from fleet.browsers import LocalBrowser, find_named
from fleet.devices.device import THIS_MACHINE, Around, host_named
from fleet.devices.driven import DrivenDevice, KeepUnsent, Reached, quietly
from fleet.fleet_file import LocalDevice, Network
from fleet.in_time import in_time
from fleet.page_watch import first_line

_INSTALL = {
    "chromium": "run: make setup; or install Chromium, Chrome or Edge; or let ZOO_CHROMIUM name its executable",
    "chrome": 'install Google Chrome, or write browser = "chromium"',
    "edge": 'install Microsoft Edge, or write browser = "chromium"',
    "firefox": "run: make setup; or install Firefox; or let ZOO_FIREFOX name its executable",
    "webkit": 'run: python -m playwright install webkit (Playwright drives no other WebKit; for another one write kind = "command")',
}
_MBIT = 1_000_000 / 8


def local_device(spec: LocalDevice, keep_unsent: KeepUnsent) -> DrivenDevice:
    """The device that the entry describes."""
    opener = _Opener(spec)
    host = host_named(spec.host, THIS_MACHINE)
    return DrivenDevice(
        spec.name, spec.kind, host, opener, version=spec.version, emulated=emulation(spec), keep_unsent=keep_unsent
    )


def emulation(spec: LocalDevice) -> str | None:
    """What stands in every row of a browser that pretends; None for one that does not."""
    parts = []
    if spec.emulate:
        # A row's browser and engine are read from the user agent, where Chromium alone says beside it what it is.
        parts.append(spec.emulate if _engine(spec.browser) == "chromium" else f"{spec.emulate} in {spec.browser}")
    if spec.cpu_slowdown:
        parts.append(f"CPU slowed {spec.cpu_slowdown:g} times (the page's own thread; workers are not)")
    if spec.network:
        network = spec.network
        parts.append(f"network {network.download_mbps:g}/{network.upload_mbps:g} Mbit/s, {network.latency_ms:g} ms")
    return ", ".join(parts) or None


class _Opener:
    """Starts the browser that an entry names."""

    def __init__(self, spec: LocalDevice) -> None:
        self._spec = spec

    @contextlib.asynccontextmanager
    async def __call__(self, around: Around) -> AsyncIterator[Reached]:
        local = self._browser()
        options = {**local.context_options(), **self._pretence(around, local)}
        browser_type = getattr(around.playwright, local.kind)
        launch: dict[str, Any] = {**local.launch_options(swiftshader=self._spec.swiftshader)}
        try:
            # Ctrl-C is left to the fleet; else Playwright's own process would end at once, and with it the way to close anything.
            browser = await in_time(browser_type.launch(**launch, headless=not self._spec.headed, handle_sigint=False))
        except Error as error:
            raise ZooError(
                f"{self._spec.browser} does not start",
                got=first_line(error),
                expected=f"{local.executable} to start",
                next_step=_INSTALL[self._spec.browser],
            ) from error
        try:
            yield Reached(browser, options, self._prepare if self._is_slowed() else None)
        finally:
            await quietly(browser.close())

    def _browser(self) -> LocalBrowser:
        if self._spec.executable:
            return LocalBrowser(_engine(self._spec.browser), _executable(self._spec.executable))
        found = find_named(self._spec.browser)
        if found is None:
            raise ZooError(
                f"there is no {self._spec.browser} on this machine",
                got="none in the usual places, and none of Playwright's",
                expected=f"an installed {self._spec.browser}",
                next_step=_INSTALL[self._spec.browser],
            )
        return found

    def _pretence(self, around: Around, local: LocalBrowser) -> dict[str, Any]:
        name = self._spec.emulate
        if name is None:
            return {}
        known = around.playwright.devices
        if name not in known:
            near = difflib.get_close_matches(name, known, 4, 0.3)
            raise ZooError(
                f"{self._spec.name}: emulate names a device that Playwright does not know",
                got=name,
                expected=f"one of Playwright's device descriptors, such as {', '.join(near or ['Pixel 7', 'iPhone 15'])}",
                next_step="correct emulate, or leave it out",
            )
        descriptor = {key: value for key, value in known[name].items() if key != "default_browser_type"}
        if local.kind == "firefox":
            descriptor.pop("is_mobile", None)  # Firefox has no such mode.
        return descriptor

    def _is_slowed(self) -> bool:
        return bool(self._spec.cpu_slowdown or self._spec.network)

    async def _prepare(self, session: CDPSession) -> None:
        if self._spec.cpu_slowdown:
            await session.send("Emulation.setCPUThrottlingRate", {"rate": self._spec.cpu_slowdown})
        if self._spec.network:
            await session.send("Network.enable")
            await session.send("Network.emulateNetworkConditions", _conditions(self._spec.network))


def _conditions(network: Network) -> dict[str, object]:
    return {
        "offline": False,
        "latency": network.latency_ms,
        "downloadThroughput": network.download_mbps * _MBIT,
        "uploadThroughput": network.upload_mbps * _MBIT,
    }


def _engine(browser: str) -> Any:
    return "chromium" if browser in ("chrome", "edge") else browser


def _executable(named: str) -> Path:
    path = Path(named).expanduser()
    if not path.is_file():
        raise ZooError(
            "executable names no file",
            got=named,
            expected="the path of a browser",
            next_step="correct it, or leave it out",
        )
    return path
