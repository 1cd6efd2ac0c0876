"""What every test can ask for: this machine's browsers, a real server, models to serve."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType
from pytest_playwright.pytest_playwright import CreateContextCallback

from builder import manifest
from fleet import browsers
from scripts.serving import ROOT, RunningServer, running_server
from tests.support.server_here import Served, server_here
from tests.support.tiny_zoo import write_tiny_zoo

# onnxruntime-web sends its warnings through console.error too; a warning is no failure of the page.
_NOT_OURS = re.compile(r"\[W:onnxruntime")


class Serve(Protocol):
    """Starts a server that the end of the test stops."""

    def __call__(self, models: Path, *, accept_fake: bool = False, database: Path | None = None) -> Served: ...


class Program(Protocol):
    """Starts the server's program, which the end of the test stops."""

    def __call__(self, models: Path, *, database: Path | None = None) -> RunningServer: ...


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "browser_errors(*patterns): the page may report errors that match one of these regular expressions; any other fails the test",
    )


@pytest.fixture(scope="session")
def base_url() -> None:
    """None: tests name whole addresses. Stands in for pytest-playwright 0.10's own, which pytest 9.2 deprecates with a warning."""


@pytest.fixture(scope="session")
def local_browser(browser_name: browsers.Engine) -> browsers.LocalBrowser:
    """The browser of this machine that --browser names."""
    return browsers.need(browser_name)


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], local_browser: browsers.LocalBrowser
) -> dict[str, Any]:
    """pytest-playwright's options, for this machine's browser in place of Playwright's own."""
    return {**browser_type_launch_args, **local_browser.launch_options()}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], local_browser: browsers.LocalBrowser) -> dict[str, Any]:
    """pytest-playwright's options, without the emulations that an installed Firefox refuses."""
    return {**browser_context_args, **local_browser.context_options()}


@pytest.fixture
def software_gpu(
    browser_type: BrowserType,
    browser_name: str,
    local_browser: browsers.LocalBrowser,
    browser_type_launch_args: dict[str, Any],
) -> Iterator[Browser]:
    """Chromium with WebGPU in software: its outputs can be checked, its speed cannot."""
    if browser_name != "chromium":
        pytest.skip("only Chromium has WebGPU in software")
    options = {**browser_type_launch_args, **local_browser.launch_options(swiftshader=True)}
    browser = browser_type.launch(**options)
    yield browser
    browser.close()


@pytest.fixture
def context(new_context: CreateContextCallback, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh profile. A page in it that throws, or that reports an error that the test did not announce, fails the test."""
    context = new_context()
    reported: list[str] = []
    context.on("weberror", lambda error: reported.append(f"uncaught: {error.error}"))
    context.on("console", lambda message: reported.append(message.text) if message.type == "error" else None)
    yield context
    marker = request.node.get_closest_marker("browser_errors")
    expected = [_NOT_OURS, *(re.compile(pattern) for pattern in (marker.args if marker else ()))]
    surprises = [text for text in reported if not any(pattern.search(text) for pattern in expected)]
    if surprises:
        pytest.fail("the page reported errors that the test did not announce:\n" + "\n".join(surprises))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """A factory of real servers on free ports, each with an empty database of its own unless one is given."""
    with contextlib.ExitStack() as stack:
        started = 0

        def start(models: Path, *, accept_fake: bool = False, database: Path | None = None) -> Served:
            nonlocal started
            started += 1
            place = database or tmp_path / f"runs-{started}.sqlite"
            return stack.enter_context(server_here(models, place, accept_fake=accept_fake))

        yield start


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """As `serve`, but `python server.py` itself: for what only a process has, such as signals, a log and an end."""
    with contextlib.ExitStack() as stack:
        started = 0

        def start(models: Path, *, database: Path | None = None) -> RunningServer:
            nonlocal started
            started += 1
            return stack.enter_context(running_server(models, database or tmp_path / f"program-{started}.sqlite"))

        yield start


@pytest.fixture
def ctrl_c_works() -> Iterator[None]:
    """For tests that send Ctrl-C to a program: where these tests run in the background, programs start with it switched off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def mini_browser() -> str:
    """WebKitGTK's browser, which needs a screen: start it with xvfb-run."""
    found = next(iter(sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))), None)
    if found is None or shutil.which("xvfb-run") is None:
        pytest.skip("needs WebKitGTK's MiniBrowser and Xvfb (Debian: webkit2gtk-driver, xvfb)")
    return str(found)


@pytest.fixture(scope="session")
def tiny_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder of a few kilobytes: see tests/support/tiny_zoo.py. Do not write into it."""
    folder = tmp_path_factory.mktemp("tiny-zoo")
    write_tiny_zoo(folder)
    return folder


@pytest.fixture(scope="session")
def real_zoo() -> Path:
    """The models folder with all the real models: the one that ZOO_TEST_MODELS names, else models/, built if need be."""
    named = os.environ.get("ZOO_TEST_MODELS")
    folder = Path(named) if named else ROOT / "models"
    if not named:
        subprocess.run([sys.executable, "-m", "builder", "all"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)
    manifest.read(folder)
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real weights and photographs that are not ours to ship; tests that need them skip where they are not."""
    folder = Path(os.environ.get("ZOO_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs real weights and photographs: let ZOO_SHARED_DATA name a folder like {folder.name}")
    return folder
