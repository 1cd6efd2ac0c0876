"""The camera on a network's page: shown, used, let go of, and what is said where there is none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect

from fleet import browsers
from tests.conftest import Serve
from tests.support.model_page import open_model, seen


@contextlib.contextmanager
def with_fake_camera(browser_type: BrowserType, kind: browsers.Kind, *, allowed: bool) -> Iterator[Browser]:
    """This machine's browser with a camera that shows a test picture, and a person who says yes or no at once."""
    options: dict[str, Any] = dict(browsers.need(kind).launch_options())
    if kind == "chromium":
        answer = "--use-fake-ui-for-media-stream" + ("" if allowed else "=deny")
        options["args"] = [*options["args"], "--use-fake-device-for-media-stream", answer]
    else:
        preferences = {"media.navigator.streams.fake": True, "media.navigator.permission.disabled": allowed}
        if not allowed:
            preferences["permissions.default.camera"] = 2  # type: ignore[assignment]
        options["firefox_user_prefs"] = {**options.get("firefox_user_prefs", {}), **preferences}
    browser = browser_type.launch(**options)
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture
def camera_page(
    browser_type: BrowserType, browser_name: browsers.Kind, local_browser: browsers.LocalBrowser
) -> Iterator[Page]:
    with with_fake_camera(browser_type, browser_name, allowed=True) as browser:
        yield browser.new_context(**local_browser.context_options()).new_page()


HIDE = """() => {
  Object.defineProperty(document, 'hidden', {value: true, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
LIVE = "() => document.querySelector('#camera-video').srcObject?.getTracks().filter(track => track.readyState === 'live').length ?? 0"


def test_a_picture_is_taken_with_the_camera_which_is_let_go_of(camera_page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page = camera_page
    open_model(page, serve(tiny_zoo), "echo")
    assert page.evaluate(LIVE) == 0
    page.get_by_role("button", name="Use the camera").click()
    shutter = page.get_by_role("button", name="Take the picture")
    expect(shutter).to_be_focused()
    page.wait_for_function("() => document.querySelector('#camera-video').videoWidth > 0")
    page.evaluate("window.tracks = document.querySelector('#camera-video').srcObject.getTracks()")
    shutter.click()
    expect(page.locator("#seen-caption")).to_contain_text("Your camera’s picture. The network is given 4 × 4")  # noqa: RUF001
    expect(page.get_by_role("group", name="Camera")).to_be_hidden()
    assert page.evaluate("window.tracks.every(track => track.readyState === 'ended')")
    assert seen(page).std() > 0

    opener = page.get_by_role("button", name="Use the camera")
    opener.click()
    expect(shutter).to_be_visible()
    assert page.evaluate(LIVE) == 1
    page.get_by_role("button", name="Stop the camera").click()
    expect(opener).to_be_focused()
    assert page.evaluate(LIVE) == 0

    opener.click()
    expect(shutter).to_be_visible()
    page.evaluate(HIDE)
    expect(shutter).to_be_hidden()
    assert page.evaluate(LIVE) == 0


def test_a_refused_camera_is_told_once_and_a_file_offered(
    browser_type: BrowserType,
    browser_name: browsers.Kind,
    local_browser: browsers.LocalBrowser,
    serve: Serve,
    tiny_zoo: Path,
) -> None:
    with with_fake_camera(browser_type, browser_name, allowed=False) as browser:
        page = browser.new_context(**local_browser.context_options()).new_page()
        open_model(page, serve(tiny_zoo), "echo")
        page.get_by_role("button", name="Use the camera").click()
        alert = page.get_by_role("alert").filter(has_text="The camera cannot be used")
        expect(alert).to_contain_text("the permission was refused")
        expect(page.get_by_label("Take it with the camera application")).to_have_attribute("capture", "environment")
        expect(page.get_by_role("group", name="Camera")).to_be_hidden()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); }; }", "no camera on this device"),
        ("() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotReadableError'); }; }", "another application may be using it"),
        ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})", "a browser that gives no page the camera"),
        ("Object.defineProperty(window, 'isSecureContext', {value: false})", "an address that is not secure (http://"),
    ],
    ids=["none", "busy", "old browser", "insecure"],
)  # fmt: skip
def test_a_camera_that_cannot_be_had_is_told(page: Page, serve: Serve, tiny_zoo: Path, script: str, said: str) -> None:
    open_model(page, serve(tiny_zoo), "echo")
    page.evaluate(script)
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert").filter(has_text="The camera cannot be used")).to_contain_text(said)
    expect(page.get_by_role("button", name="Use the camera")).to_be_enabled()
