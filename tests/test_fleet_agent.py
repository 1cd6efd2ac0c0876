"""The agent lends a real browser, keeps it up, and leaves nothing behind."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from fleet.agent import AgentOptions, add_agent_arguments, agent_options
from fleet.browsers import LocalBrowser
from fleet.connect_errors import PLAYWRIGHT_VERSION
from tests.support.agents import apart, fresh_page, run_agent, running_agent, with_browser

# It promises five seconds, of which three are the browser's; machines that run tests may be slow.
STOP_S = 20

needs_proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see which processes are left")


@needs_proc
def test_it_lends_a_browser_until_it_is_stopped(local_browser: LocalBrowser) -> None:
    async def use(remote: Browser) -> str:
        page = await fresh_page(remote, local_browser)
        await page.set_content("<title>lent</title>")
        return f"{await page.title()} {await page.evaluate('navigator.userAgent')}"

    with running_agent("--browser", local_browser.kind, "--name", 'my "desk"\\') as agent:
        device = agent.device()
        assert device["name"] == 'my "desk"\\'
        assert (device["kind"], device["browser"]) == ("playwright", local_browser.kind)
        assert device["host"]
        assert device["endpoint"].startswith("ws://127.0.0.1:")
        assert f"Playwright {PLAYWRIGHT_VERSION}" in "".join(agent.seen)
        first = apart(lambda: with_browser(device["endpoint"], local_browser, use))
        assert first.startswith("lent Mozilla")
        assert ("Firefox" in first) == (local_browser.kind == "firefox")
        lent = agent.its_browser(local_browser)
        # A client's close ends its connection, not the browser.
        assert apart(lambda: with_browser(device["endpoint"], local_browser, use)) == first
        assert agent.its_browser(local_browser) == lent
        secret = device["endpoint"].rpartition("/")[2]
        assert not [command for command in agent.its_processes().values() if secret in command]
        assert agent.stop() < STOP_S
        assert agent.process.returncode == 0
        assert agent.its_processes() == {}


@needs_proc
def test_a_browser_that_crashes_comes_back_at_the_same_endpoint(local_browser: LocalBrowser) -> None:
    async def use(remote: Browser) -> int:
        return int(await (await fresh_page(remote, local_browser)).evaluate("6 * 7"))

    with running_agent("--browser", local_browser.kind) as agent:
        endpoint = agent.device()["endpoint"]
        crashed = agent.its_browser(local_browser)
        os.killpg(crashed, signal.SIGKILL)
        agent.until("starting it again")
        # It waits at the gate until the browser is there.
        assert apart(lambda: with_browser(endpoint, local_browser, use)) == 42
        agent.until("the browser is back")
        assert agent.its_browser(local_browser) != crashed
        assert agent.stop() < STOP_S
        assert agent.its_processes() == {}


@needs_proc
def test_playwrights_own_server_that_is_killed_leaves_no_browser(local_browser: LocalBrowser) -> None:
    """Its browser is in a group of its own, and nobody would tell it to go."""
    with running_agent("--browser", local_browser.kind) as agent:
        agent.device()
        orphan = agent.its_browser(local_browser)
        for pid, command in agent.its_processes().items():
            if "launch-server" in command:
                os.kill(pid, signal.SIGKILL)
        agent.until("the browser is back")
        assert orphan not in agent.its_processes()


@needs_proc
def test_a_browser_that_hangs_is_ended_too(local_browser: LocalBrowser) -> None:
    with running_agent("--browser", local_browser.kind) as agent:
        agent.device()
        os.killpg(agent.its_browser(local_browser), signal.SIGSTOP)
        assert agent.stop() < STOP_S
        assert agent.process.returncode == 0
        assert agent.its_processes() == {}


@needs_proc
def test_it_can_be_stopped_while_the_browser_starts(local_browser: LocalBrowser) -> None:
    with running_agent("--browser", local_browser.kind) as agent:
        agent.until("starting")
        deadline = time.monotonic() + 60
        while not agent.its_processes() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert agent.stop() < STOP_S
        assert agent.process.returncode == 0
        assert agent.its_processes() == {}


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="dresses an installed Chromium as Playwright's own build for Linux")
def test_playwrights_own_build_is_started_afresh_for_each_client(local_browser: LocalBrowser, tmp_path: Path) -> None:
    if local_browser.kind != "chromium":
        pytest.skip("only Chromium speaks the same protocol as Playwright's own build of it")
    builds = _dressed_as_playwrights_own(local_browser, tmp_path / "builds")
    own = LocalBrowser("chromium", Path("unused"), patched=True)

    async def use(remote: Browser) -> tuple[str, list[int]]:
        page = await fresh_page(remote, own)
        browsers = [pid for pid, command in agent.its_processes().items() if "--headless" in command]
        return await page.evaluate("'from ' + navigator.userAgent"), browsers

    (tmp_path / "bin").mkdir()
    environment = {"PLAYWRIGHT_BROWSERS_PATH": str(builds), "PATH": str(tmp_path / "bin"), "ZOO_CHROMIUM": ""}
    with running_agent("--browser", "chromium", **environment) as agent:
        endpoint = agent.device()["endpoint"]
        assert not [command for command in agent.its_processes().values() if "--headless" in command]
        said, before = apart(lambda: with_browser(endpoint, own, use))
        assert said.startswith("from Mozilla")
        assert before
        _, after = apart(lambda: with_browser(endpoint, own, use))
        assert after
        assert not set(before) & set(after)
        assert agent.stop() < STOP_S
        assert agent.its_processes() == {}


def _dressed_as_playwrights_own(browser: LocalBrowser, builds: Path) -> Path:
    """A folder of Playwright's own builds whose Chromium, with a window and without, is this installed one."""

    async def expected() -> Path:
        async with async_playwright() as playwright:
            return Path(playwright.chromium.executable_path)

    path = apart(expected)
    build, inside = path.parts[-3], Path(*path.parts[-2:])
    without_window = build.replace("chromium-", "chromium_headless_shell-")
    for place in (
        builds / build / inside,
        builds / without_window / "chrome-headless-shell-linux64/chrome-headless-shell",
    ):
        place.parent.mkdir(parents=True)
        place.write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin exec "{browser.executable}" "$@"\n')
        place.chmod(0o755)
    return builds


def test_a_port_that_is_taken_is_said_before_any_browser_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, printed = run_agent("--port", str(port))
    assert status == 1
    assert f"the agent cannot listen on 127.0.0.1, port {port}" in printed
    assert "ddress already in use" in printed
    assert "--port" in printed
    assert "Traceback" not in printed
    assert "starting" not in printed


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    status, printed = run_agent("--host", "198.51.100.7")
    assert status == 1
    assert "cannot listen on 198.51.100.7" in printed


@pytest.mark.parametrize("kind", ["chromium", "firefox", "webkit"])
def test_a_machine_without_such_a_browser_is_told_what_to_do(kind: str, tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "ZOO_CHROMIUM": "", "ZOO_FIREFOX": ""}
    status, printed = run_agent("--browser", kind, **nothing)
    assert status == 1
    assert f"there is no {kind} browser on this machine" in printed
    assert "install" in printed
    assert "Traceback" not in printed


def test_a_browser_that_does_not_start_is_one_message(tmp_path: Path) -> None:
    status, printed = run_agent("--browser", "chromium", ZOO_CHROMIUM="/bin/false")
    assert status == 1
    assert "Playwright's server for chromium did not start" in printed
    assert "got:      ProtocolError" in printed
    assert "at new Promise" not in printed


def test_a_driver_that_cannot_start_is_one_message(tmp_path: Path) -> None:
    status, printed = run_agent("--browser", "chromium", PLAYWRIGHT_NODEJS_PATH=str(tmp_path / "node"))
    assert status == 1
    assert "Playwright's server for chromium did not start" in printed
    assert "got:      FileNotFoundError" in printed
    assert f'pip install --force-reinstall "playwright=={PLAYWRIGHT_VERSION}"' in printed


@pytest.mark.skipif(sys.platform != "linux", reason="only there a screen may be missing")
def test_a_window_needs_a_screen(local_browser: LocalBrowser) -> None:
    status, printed = run_agent("--headed", "--browser", local_browser.kind, DISPLAY="", WAYLAND_DISPLAY="")
    assert status == 1
    assert f"{local_browser.kind} cannot open a window" in printed
    assert "xvfb-run" in printed


def parsed(*arguments: str) -> AgentOptions:
    parser = argparse.ArgumentParser()
    add_agent_arguments(parser)
    return agent_options(parser.parse_args(arguments))


def test_what_is_not_said_is_this_machine_alone_and_no_window() -> None:
    assert parsed() == AgentOptions(browser="chromium", host="127.0.0.1", port=0, name=None, headed=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--port", "65536"), "whole number from 0 to 65535"),
        (("--port", "-1"), "whole number from 0 to 65535"),
        (("--port", "²"), "whole number from 0 to 65535"),
        (("--host", ""), "an address of this machine"),
        (("--name", " "), "at least one character"),
        (("--browser", "safari"), "'webkit'"),
    ],
)
def test_wrong_arguments_name_what_is_right(
    arguments: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed(*arguments)
    assert message in capsys.readouterr().err
