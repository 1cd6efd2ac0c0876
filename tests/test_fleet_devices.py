"""Kinds of device, each against something real: MiniBrowser, a debugging port, a visitor, phones that are emulated."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from fleet.browsers import need
from fleet.devices.local import emulation
from fleet.fleet_file import LocalDevice
from tests.conftest import Serve
from tests.support.aio import Loop, launched, running_loop
from tests.support.processes import PATIENCE_S, Program, running_program

STOP_S = 5
LATENCY_MS = 100
MINI_BROWSER = ("MiniBrowser", "Xvfb", "WebKitWebProcess")
# What takes no time: the real runtime on a model of a few bytes.
BRIEFLY = (
    "--models",
    "echo",
    "--iterations",
    "3",
    "--min-time",
    "0",
    "--warmup",
    "1",
    "--end-to-end",
    "0",
    "--no-files",
)
Table = dict[str, Any]


@contextlib.contextmanager
def fleet(folder: Path, server: str, *tables: Table, more: tuple[str, ...] = BRIEFLY) -> Iterator[Program]:
    """python -m fleet run with these devices."""
    file = folder / "fleet.toml"
    file.write_text(f"server = {json.dumps(server)}\n" + "".join(map(toml, tables)))
    with running_program([sys.executable, "-m", "fleet", "run", str(file), *more]) as program:
        yield program


def toml(table: Table) -> str:
    """JSON's texts, numbers and lists are TOML's too."""
    return "[[device]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())


def measured(folder: Path, server: str, *tables: Table, more: tuple[str, ...] = BRIEFLY) -> tuple[int, list[str]]:
    """The exit status, and the lines that were printed; nothing that it started lives on."""
    with fleet(folder, server, *tables, more=more) as program:
        status, printed = program.end()
        assert program.its_processes() == {}
    return status, printed.splitlines()


def rows(server: str) -> dict[str, dict[str, str]]:
    """The server's timings.csv, by device."""
    with urllib.request.urlopen(f"{server}/api/timings.csv") as reply:
        return {row["device_name"]: row for row in csv.DictReader(io.StringIO(reply.read().decode()))}


def asked(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=20) as reply:
        return json.loads(reply.read())


def is_timed(row: dict[str, str]) -> bool:
    return (row["backend_ran"], row["n"], row["verified"]) == ("wasm", "3", "passed") and float(row["median_ms"]) > 0


def test_mini_browser_gives_verified_timings_of_a_third_engine(
    serve: Serve, tiny_zoo: Path, mini_browser: str, tmp_path: Path
) -> None:
    """With the switch that docs/fleet.md names it has threads too; without it WebKitGTK hides SharedArrayBuffer even from isolated pages."""
    server = serve(tiny_zoo).url
    argv = ["env", "JSC_useSharedArrayBuffer=1", "xvfb-run", "-a", mini_browser, "{url}"]
    device = {"name": "mini", "kind": "command", "argv": argv, "backends": ["wasm-2"]}
    status, printed = measured(tmp_path, server, device)
    assert status == 0, printed
    row = rows(server)["mini"]
    assert is_timed(row)
    assert (row["engine"], row["cross_origin_isolated"], row["threads"]) == ("WebKit", "true", "2")


@pytest.mark.usefixtures("ctrl_c_works")
def test_ctrl_c_leaves_no_mini_browser_behind(serve: Serve, tiny_zoo: Path, mini_browser: str, tmp_path: Path) -> None:
    device = {"name": "mini", "kind": "command", "argv": ["xvfb-run", "-a", mini_browser, "{url}"]}
    # Of the real runtime, a tiny model's 10,000 samples, which are the most that are taken, are over in a moment.
    slow = ("--page-parameter", "runtime=fake", "--page-parameter", 'fake={"durations_ms":[5],"pace_ms":200}')
    long = ("--models", "echo", "--iterations", "9000", "--time-budget", "3000", "--no-files", *slow)
    with fleet(tmp_path, serve(tiny_zoo, accept_fake=True).url, device, more=long) as program:
        program.until("mini: echo on wasm-")
        deadline = time.monotonic() + PATIENCE_S
        while absent := [name for name in MINI_BROWSER if name not in " ".join(program.its_processes().values())]:
            assert time.monotonic() < deadline, (absent, program.its_processes(), program.seen)
            time.sleep(0.2)
        assert program.stop(signal.SIGINT) < STOP_S
        assert program.its_processes() == {}
        assert program.process.returncode == 130


def test_a_program_that_fails_or_is_not_there_is_one_message_and_the_rest_goes_on(
    serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    server = serve(tiny_zoo).url
    failing = [sys.executable, "-c", "import sys; sys.exit('no screen here')", "{url}"]
    status, printed = measured(
        tmp_path,
        server,
        {"name": "absent", "kind": "command", "argv": ["no-such-browser", "{url}"]},
        {"name": "broken", "kind": "command", "argv": failing},
        {"name": "desk", "kind": "local", "browser": "chromium"},
    )
    assert status == 1
    assert printed.count("absent: there is no program no-such-browser") == 1
    assert [line for line in printed if "broken: the page did not come to an end" in line] == [
        "broken: the page did not come to an end (the program ended with status 1 and said: no screen here; it told last: loading)"
    ]
    assert list(rows(server)) == ["desk"]
    assert is_timed(rows(server)["desk"])


@contextlib.contextmanager
def debugged_chromium(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A Chromium that somebody started with a debugging port, and the port's address."""
    flags = ["--headless", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    command = [str(need("chromium").executable), *flags]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline, told = time.monotonic() + PATIENCE_S, folder / "DevToolsActivePort"
            while not (told.exists() and told.read_text().count("\n")):
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.1)
            yield process, f"http://127.0.0.1:{told.read_text().split()[0]}"
        finally:
            process.terminate()


def test_a_debugging_port_is_used_and_its_browser_left_as_it_was(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    server = serve(tiny_zoo).url
    with debugged_chromium(tmp_path / "profile") as (process, endpoint):
        (mine,) = (tab["id"] for tab in asked(f"{endpoint}/json/list") if tab["type"] == "page")
        status, printed = measured(
            tmp_path,
            server,
            {"name": "nobody", "kind": "cdp", "endpoint": "http://127.0.0.1:2"},
            {"name": "tablet", "kind": "cdp", "endpoint": endpoint},
        )
        assert process.poll() is None
        assert [tab["id"] for tab in asked(f"{endpoint}/json/list") if tab["type"] == "page"] == [mine]
    assert status == 1
    assert printed.count("nobody: no Chrome answers at http://127.0.0.1:2") == 1
    assert "Traceback" not in "\n".join(printed)
    assert is_timed(rows(server)["tablet"])


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with running_loop() as found:
        yield found


@contextlib.contextmanager
def persons_browser(loop: Loop) -> Iterator[Browser]:
    stack = contextlib.AsyncExitStack()
    browser = loop.run(stack.enter_async_context(launched(loop, need("chromium"))))
    try:
        yield browser
    finally:
        loop.run(stack.aclose())


def opened(loop: Loop, browser: Browser, address: str) -> None:
    """In a profile of its own, as on a device of its own."""

    async def visit() -> None:
        page = await (await browser.new_context()).new_page()
        await page.goto(address)

    loop.run(visit())


def printed_address(program: Program, name: str) -> str:
    program.until(f"{name}: open this address")
    return str(re.findall(r"http://\S+", program.until("http://"))[0])


def test_a_person_opens_the_address_that_is_printed(serve: Serve, tiny_zoo: Path, tmp_path: Path, loop: Loop) -> None:
    server = serve(tiny_zoo).url
    with persons_browser(loop) as browser, fleet(tmp_path, server, {"name": "Kim's", "kind": "visit"}) as program:
        opened(loop, browser, printed_address(program, "Kim's"))
        status, printed = program.end()
    assert status == 0, printed
    assert sum("\N{FULL BLOCK}" in line or "\N{UPPER HALF BLOCK}" in line for line in printed.splitlines()) > 10
    assert printed.splitlines()[-1] == "Kim's: 1 timed, 0 failed, 0 not sent"
    assert is_timed(rows(server)["Kim's"])


def test_of_two_that_join_under_one_name_the_first_counts_and_nothing_is_lost(
    serve: Serve, tiny_zoo: Path, tmp_path: Path, loop: Loop
) -> None:
    server = serve(tiny_zoo, accept_fake=True).url
    script = json.dumps({"durations_ms": [5], "pace_ms": 100})
    slowly = ("--iterations", "40", "--page-parameter", "runtime=fake", "--page-parameter", f"fake={script}")
    device = {"name": "Kim's", "kind": "visit"}
    with (
        persons_browser(loop) as browser,
        fleet(tmp_path, server, device, more=(*BRIEFLY, "--repeat", "3", *slowly)) as program,
    ):
        address = printed_address(program, "Kim's")
        opened(loop, browser, address)
        deadline = time.monotonic() + PATIENCE_S
        fleet_id = re.findall(r"fleet=([0-9a-f-]+)", address)[0]
        while not asked(f"{server}/api/progress?fleet_id={fleet_id}")["devices"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        opened(loop, browser, address)
        status, printed = program.end()
        assert status == 0, printed
        while len(runs := asked(f"{server}/api/runs?fleet_id={fleet_id}")["runs"]) < 6:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert printed.count("Kim's has joined twice: ") == 1
    assert printed.splitlines()[-1] == "Kim's: 3 timed, 0 failed, 0 not sent"
    assert sorted(Counter(run["device"]["device_id"] for run in runs).values()) == [3, 3]


def test_a_browser_that_pretends_says_so_in_every_row(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    server = serve(tiny_zoo).url
    local = {"kind": "local", "browser": "chromium"}
    slow = {
        "cpu_slowdown": 1.5,
        "network.download_mbps": 10,
        "network.upload_mbps": 5,
        "network.latency_ms": LATENCY_MS,
    }
    status, printed = measured(
        tmp_path,
        server,
        {"name": "pixel", **local, "emulate": "Pixel 7"},
        {"name": "iphone", **local, "emulate": "iPhone 15", **slow},
    )
    assert status == 0, printed
    found = rows(server)
    assert {name: row["emulated"] for name, row in found.items()} == {
        "pixel": "Pixel 7",
        "iphone": f"iPhone 15, CPU slowed 1.5 times (the page's own thread; workers are not), network 10/5 Mbit/s, {LATENCY_MS} ms",
    }
    assert all(is_timed(row) for row in found.values())
    assert {row["engine"] for row in found.values()} == {"Blink"}
    assert "Android 14; Pixel 7" in found["pixel"]["user_agent"]
    assert "iPhone OS" in found["iphone"]["user_agent"]
    # A worker fetches the model, and is not spared.
    assert float(found["iphone"]["download_ms"]) >= LATENCY_MS


def test_a_phone_that_another_engine_plays_is_told_from_one_that_chromium_plays() -> None:
    """Firefox hands on the phone's user agent, by which the row's browser would be Safari."""
    firefox = LocalDevice(kind="local", name="phone", browser="firefox", emulate="iPhone 15")
    assert emulation(firefox) == "iPhone 15 in firefox"
    assert emulation(firefox.model_copy(update={"browser": "chrome"})) == "iPhone 15"


def test_another_version_than_the_entry_asks_for_is_refused_and_the_rest_goes_on(
    serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    server = serve(tiny_zoo).url
    local = {"kind": "local", "browser": "chromium"}
    status, printed = measured(tmp_path, server, {"name": "old", **local, "version": "1."}, {"name": "new", **local})
    assert status == 1
    said = "\n".join(printed)
    there = re.search(r'write version = "([\d.]+)"', said)
    assert there
    assert printed.count("old has another browser version than its entry asks for") == 1
    assert list(rows(server)) == ["new"]
    assert rows(server)["new"]["browser_version"] == there[1]
