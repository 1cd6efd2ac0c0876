"""Browsers of other machines that Playwright reaches: its own servers, debugging ports, a Selenium Grid."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

from playwright.async_api import Browser, Error, Playwright, async_playwright

from builder.errors import ZooError
from fleet.adb import AdbForward
from fleet.browsers import BIDI_CONTEXT
from fleet.connect_errors import explain_connect_error
from fleet.devices.device import THIS_MACHINE, Around, host_named
from fleet.devices.driven import DrivenDevice, KeepUnsent, Reached, answers, quietly
from fleet.fleet_file import CdpDevice, GridDevice, PlaywrightDevice
from fleet.in_time import in_time
from fleet.page_watch import first_line

_CONNECT_MS = 30_000
_PROBE_S = 5
_PROBES = 3
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def playwright_device(spec: PlaywrightDevice, keep_unsent: KeepUnsent) -> DrivenDevice:
    """A browser behind a Playwright server."""

    @contextlib.asynccontextmanager
    async def way(around: Around) -> AsyncIterator[Reached]:
        browser_type = getattr(around.playwright, spec.browser)
        try:
            browser = await in_time(browser_type.connect(spec.endpoint, headers=spec.headers, timeout=_CONNECT_MS))
        except Error as error:
            raise explain_connect_error(error.message, spec.endpoint) from error
        async with _closed(browser):
            # Whether it is an installed Firefox is not told; Playwright's own takes these options too.
            yield Reached(browser, {**BIDI_CONTEXT} if spec.browser == "firefox" else {})

    host = host_named(spec.host, host_of(spec.endpoint))
    reachable = _probe(spec.endpoint)
    return DrivenDevice(spec.name, spec.kind, host, way, spec.version, reachable=reachable, keep_unsent=keep_unsent)


def cdp_device(spec: CdpDevice, keep_unsent: KeepUnsent) -> DrivenDevice:
    """A Chrome with a debugging port, here or elsewhere, or on an Android device on a cable."""

    @contextlib.asynccontextmanager
    async def way(around: Around) -> AsyncIterator[Reached]:
        async with _debugging_port(spec, around) as endpoint:
            try:
                browser = await in_time(around.playwright.chromium.connect_over_cdp(endpoint, timeout=_CONNECT_MS))
            except Error as error:
                raise _no_port(spec.name, endpoint, first_line(error)) from error
            async with _closed(browser):
                yield Reached(browser)

    host = host_named(spec.host, host_of(spec.endpoint) if spec.endpoint else f"phone on the cable {spec.adb}".strip())
    reachable = _probe(spec.endpoint) if spec.endpoint else answers
    return DrivenDevice(spec.name, spec.kind, host, way, spec.version, reachable=reachable, keep_unsent=keep_unsent)


def grid_device(spec: GridDevice, keep_unsent: KeepUnsent) -> DrivenDevice:
    """A node of a Selenium Grid 4. Playwright takes the hub's address from its environment, so it gets a driver of its own."""

    @contextlib.asynccontextmanager
    async def way(around: Around) -> AsyncIterator[Reached]:
        async with _driver_for(spec) as playwright:
            try:
                browser = await in_time(playwright.chromium.launch(handle_sigint=False))
            except Error as error:
                raise ZooError(
                    f"the Selenium Grid at {spec.hub} gives no browser",
                    got=first_line(error),
                    expected="a Grid 4 hub with a free Chrome or Edge node",
                    next_step="open the hub's address in a browser to see its nodes; Playwright needs SE_NODE_GRID_URL on them",
                ) from error
            async with _closed(browser):
                yield Reached(browser)

    return DrivenDevice(
        spec.name, spec.kind, host_named(spec.host, host_of(spec.hub)), way, spec.version, keep_unsent=keep_unsent
    )


def host_of(address: str) -> str:
    """The machine behind an address. What loopback leads to is taken for this one."""
    name = urlsplit(address).hostname or address
    return THIS_MACHINE if name in _LOOPBACK else name


@contextlib.asynccontextmanager
async def _closed(browser: Browser) -> AsyncIterator[None]:
    """Afterwards the connection is closed, and with it the windows that were opened through it; the browser goes on."""
    try:
        yield
    finally:
        await quietly(browser.close())


@contextlib.asynccontextmanager
async def _debugging_port(spec: CdpDevice, around: Around) -> AsyncIterator[str]:
    if spec.endpoint is not None:
        yield spec.endpoint
        return
    forward = AdbForward(spec.adb or "", server_port=urlsplit(around.server.url).port or 80)
    await asyncio.to_thread(forward.__enter__)
    try:
        yield forward.endpoint
    finally:
        await asyncio.to_thread(forward.__exit__, None, None, None)


@contextlib.asynccontextmanager
async def _driver_for(spec: GridDevice) -> AsyncIterator[Playwright]:
    asked = {"SELENIUM_REMOTE_URL": spec.hub}
    if spec.capabilities:
        asked["SELENIUM_REMOTE_CAPABILITIES"] = json.dumps(spec.capabilities)
    before = {name: os.environ.get(name) for name in asked}
    manager = async_playwright()
    os.environ.update(asked)
    try:
        playwright = await manager.start()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    try:
        yield playwright
    finally:
        await quietly(playwright.stop())


def _probe(address: str) -> Callable[[], Awaitable[bool]]:
    """Whether the machine still takes connections: it is asked a few times, because networks lose one now and then."""
    parts = urlsplit(address)
    port = parts.port or _PORTS[parts.scheme]

    async def reachable() -> bool:
        for _ in range(_PROBES):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_PROBE_S):
                    _, writer = await asyncio.open_connection(parts.hostname, port)
                writer.close()
                return True
            await asyncio.sleep(1)
        return False

    return reachable


def _no_port(name: str, endpoint: str, got: str) -> ZooError:
    return ZooError(
        f"{name}: no Chrome answers at {endpoint}",
        got=got,
        expected="a Chrome, Chromium or Edge that was started with --remote-debugging-port",
        next_step="start it so (with --user-data-dir=FOLDER, which recent versions ask for), or forward the phone's port: "
        "adb forward tcp:9222 localabstract:chrome_devtools_remote",
    )
