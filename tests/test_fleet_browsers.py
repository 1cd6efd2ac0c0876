"""Which browser is used, and how Playwright starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page

from builder.errors import ZooError
from fleet.browsers import KINDS, OVERRIDES, Kind, LocalBrowser, candidates, find, need
from scripts.serving import ROOT


@pytest.fixture
def only_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on whose PATH there is only this folder, without any browser of Playwright's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    for variable in OVERRIDES.values():
        monkeypatch.delenv(variable, raising=False)
    return folder


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("kind", "installed", "chosen"),
    [
        ("chromium", ["microsoft-edge", "chromium", "google-chrome"], "google-chrome"),
        ("chromium", ["microsoft-edge", "chromium"], "chromium"),
        ("chromium", ["microsoft-edge"], "microsoft-edge"),
        ("firefox", ["firefox", "firefox-esr"], "firefox-esr"),
        ("firefox", ["firefox"], "firefox"),
    ],
)
def test_an_installed_browser_is_preferred_in_a_fixed_order(
    only_here: Path, kind: Kind, installed: list[str], chosen: str
) -> None:
    for name in installed:
        program(only_here / name)
    assert find(kind) == LocalBrowser(kind, only_here / chosen)


@pytest.mark.parametrize("kind", KINDS)
def test_the_environment_names_another_browser(
    only_here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    program(only_here / "firefox")
    program(only_here / "chromium")
    mine = program(tmp_path / "mine")
    monkeypatch.setenv(OVERRIDES[kind], str(mine))
    assert need(kind).executable == mine


def test_a_named_browser_that_cannot_be_run_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CHROMIUM", str(tmp_path / "absent"))
    with pytest.raises(ZooError, match="ZOO_CHROMIUM names no browser") as raised:
        find("chromium")
    assert raised.value.got == str(tmp_path / "absent")


def test_a_snap_is_passed_over(only_here: Path) -> None:
    program(only_here / "snap")
    (only_here / "chromium").symlink_to(only_here / "snap")
    program(only_here / "firefox", '#!/bin/sh\nexec /snap/bin/firefox "$@"\n')
    assert find("chromium") is None
    assert find("firefox") is None


def test_a_machine_without_a_browser_is_told_what_to_do(only_here: Path) -> None:
    with pytest.raises(ZooError, match="there is no firefox browser on this machine") as raised:
        need("firefox")
    assert "make setup" in raised.value.next_step
    assert "ZOO_FIREFOX" in raised.value.next_step


@pytest.mark.parametrize("kind", KINDS)
def test_playwrights_own_build_is_used_where_nothing_is_installed(only_here: Path, tmp_path: Path, kind: Kind) -> None:
    question = f"from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.{kind}.executable_path)"
    printed = subprocess.run([sys.executable, "-c", question], check=True, capture_output=True, text=True)
    own = program(Path(printed.stdout.strip()))
    assert own.is_relative_to(tmp_path)
    browser = need(kind)
    assert browser == LocalBrowser(kind, own, patched=True)
    assert "channel" not in browser.launch_options()
    assert browser.context_options() == {}


def test_the_usual_places_of_other_systems() -> None:
    mac = [str(path) for path in candidates("chromium", "darwin", {"HOME": "/Users/ada"})]
    assert mac[0] == "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    assert "/Users/ada/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge" in mac
    windows = [path.as_posix() for path in candidates("firefox", "win32", {"PROGRAMFILES": "C:/Program Files"})]
    assert windows == ["C:/Program Files/Mozilla Firefox/firefox.exe"]


def test_an_installed_firefox_is_driven_through_bidi_without_emulation() -> None:
    browser = LocalBrowser("firefox", Path("/usr/bin/firefox-esr"))
    assert browser.launch_options().get("channel") == "moz-firefox"
    assert set(browser.context_options().values()) == {"null"}


def test_only_chromium_gets_the_software_gpu() -> None:
    assert (
        "--use-webgpu-adapter=swiftshader"
        in LocalBrowser("chromium", Path("c")).launch_options(swiftshader=True)["args"]
    )
    assert LocalBrowser("chromium", Path("c")).launch_options()["args"] == []
    assert LocalBrowser("firefox", Path("f")).launch_options(swiftshader=True)["args"] == []


def test_the_list_names_each_browser_with_its_version(local_browser: LocalBrowser, page: Page) -> None:
    command = [sys.executable, "-m", "fleet", "list"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout
    version = page.context.browser.version if page.context.browser else ""
    assert [local_browser.kind, version, str(local_browser.executable)] in [
        line.split() for line in printed.splitlines()
    ]
