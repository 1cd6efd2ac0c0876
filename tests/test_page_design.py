"""The page fits a phone and a laptop, can be read, and can be used with a keyboard and a finger."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.conftest import Serve
from tests.support import own_files
from tests.support.pages import address, fake_address, rows, run_fake, wait_until_done

VIEWPORTS = [ViewportSize(width=360, height=740), ViewportSize(width=1440, height=900)]
SCRIPT = {"durations_ms": [230, 214, 207, 206.9, 208], "pace_ms": 40}


def assert_no_sideways_scrolling(page: Page) -> None:
    widest = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert widest <= page.evaluate("innerWidth")


# Pairs of cells of a row that lie over each other.
OVERLAPS = """row => {
  const boxes = [...row.cells].map(cell => [cell.dataset.field, cell.getBoundingClientRect()]).filter(([, box]) => box.width > 0 && box.height > 0);
  return boxes.flatMap(([name, a], index) => boxes.slice(index + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
    .map(([other]) => name + ' and ' + other));
}"""


@pytest.mark.parametrize("viewport", VIEWPORTS, ids=["phone", "laptop"])
def test_every_state_fits_and_shows_its_one_action(
    page: Page, serve: Serve, tiny_zoo: Path, viewport: ViewportSize
) -> None:
    page.set_viewport_size(viewport)
    url = serve(tiny_zoo, accept_fake=True).url
    page.goto(url)
    start = page.get_by_role("button", name="Start timing")
    expect(start).to_be_in_viewport(ratio=1)
    assert_no_sideways_scrolling(page)

    page.goto(fake_address(url, SCRIPT, models="all", backends="wasm-1,wasm-4000", iterations=60))
    expect(page.locator("#plot .chart")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Pause")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Stop")).to_be_in_viewport(ratio=1)
    expect(page.locator("#progress")).to_be_in_viewport(ratio=1)
    assert_no_sideways_scrolling(page)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#said")).to_contain_text("Paused")
    expect(page.locator("#said")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Resume")).to_be_in_viewport(ratio=1)
    assert_no_sideways_scrolling(page)
    for row in rows(page).all():
        assert row.evaluate(OVERLAPS) == []
    page.get_by_role("button", name="Resume").click()

    wait_until_done(page)
    assert sorted(str(row.get_attribute("data-outcome")) for row in rows(page).all()) == ["failed"] * 3 + ["ok"] * 3
    expect(page.get_by_role("button", name="Time again")).to_be_in_viewport(ratio=1)
    expect(page.locator("#plot .chart")).to_be_visible()
    open_all_details(page)
    assert_no_sideways_scrolling(page)
    for row in rows(page).all():
        box = row.bounding_box()
        assert box is not None
        if viewport["width"] < 500:
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= viewport["width"]
        assert row.evaluate(OVERLAPS) == []


def open_all_details(page: Page) -> None:
    """Show what is told on demand, the table of what runs where included."""
    page.locator("#support-details > summary").click()
    page.wait_for_selector("#support-table tbody tr")
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")


def choose_own_file(page: Page, folder: Path) -> None:
    """Let the page look at a file that leaves its dimensions open."""
    file = folder / f"{'long_name_' * 12}.onnx"
    file.write_bytes(own_files.convolution(("batch", 3, "height_of_the_picture_in_pixels", "width")))
    page.get_by_label("ONNX file").set_input_files(file)
    expect(page.get_by_role("button", name="Time this file")).to_be_visible()


@pytest.mark.parametrize("viewport", VIEWPORTS, ids=["phone", "laptop"])
def test_own_files_and_the_support_table_fit(
    page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path, viewport: ViewportSize
) -> None:
    page.set_viewport_size(viewport)
    # So that there is time to look at it while it is timed.
    page.goto(address(serve(tiny_zoo).url, backends="wasm-1", iterations=3, min_time=3))
    page.wait_for_selector("html[data-state=ready]")
    choose_own_file(page, tmp_path)
    open_all_details(page)
    assert_no_sideways_scrolling(page)
    for row in page.locator("#support-table tbody tr").all():
        assert row.evaluate(OVERLAPS) == []

    page.get_by_role("button", name="Time this file").click()
    expect(page.get_by_role("button", name="Stop")).to_be_in_viewport(ratio=1)
    expect(page.locator("#progress")).to_be_in_viewport(ratio=1)
    wait_until_done(page)
    assert_no_sideways_scrolling(page)
    assert rows(page).first.get_attribute("data-outcome") == "ok"
    assert rows(page).first.evaluate(OVERLAPS) == []


def test_problems_with_long_names_do_not_widen_the_page(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.set_viewport_size(VIEWPORTS[0])
    page.goto(address(serve(tiny_zoo).url, autorun=1, models="x" * 500))
    expect(page.get_by_role("alert")).to_be_visible()
    assert_no_sideways_scrolling(page)


# The least contrast of any text on the page with what is behind it, by the formula of WCAG 2.2; colours are read from a canvas,
# so that any notation counts.
LEAST_CONTRAST = """() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data]; };
  const luminance = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const behind = node => { for (; node; node = node.parentElement) { const colour = rgba(getComputedStyle(node).backgroundColor); if (colour[3] === 255) return colour; } return [255, 255, 255]; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const [a, b] = [luminance(rgba(node instanceof SVGElement ? style.fill : style.color)), luminance(behind(node))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text.data.trim()]);
  }
  return found.sort((one, other) => one[0] - other[0])[0];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(
    page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path, browser_name: str, scheme: str
) -> None:
    if browser_name == "chromium":
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    elif scheme == "dark":
        pytest.skip("Playwright cannot switch an installed Firefox to another colour scheme")
    url = serve(tiny_zoo, accept_fake=True).url
    # So few samples are a doubt on every machine.
    script = SCRIPT | {"pace_ms": 200}
    page.goto(fake_address(url, script, models="all", backends="wasm-1,wasm-4000", iterations=4))
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#said")).to_contain_text("Paused")
    ratio, text = page.evaluate(LEAST_CONTRAST)
    assert ratio >= 4.5, text
    page.get_by_role("button", name="Resume").click()
    wait_until_done(page)
    choose_own_file(page, tmp_path)
    page.get_by_label("Numbers of your own").check()
    open_all_details(page)
    assert page.locator(".doubts:visible").count() > 0
    ratio, text = page.evaluate(LEAST_CONTRAST)
    assert ratio >= 4.5, text
    page.goto(address(url, models="unknown"))
    expect(page.get_by_role("alert")).to_be_visible()
    ratio, text = page.evaluate(LEAST_CONTRAST)
    assert ratio >= 4.5, text


def test_everything_to_touch_is_large_enough_on_a_phone(
    page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    page.set_viewport_size(VIEWPORTS[0])
    run_fake(page, serve(tiny_zoo, accept_fake=True).url, models="all", iterations=3)
    choose_own_file(page, tmp_path)
    page.get_by_label("Numbers of your own").check()
    open_all_details(page)
    targets = page.locator(
        "button:visible, input:not([type=checkbox], [type=radio]):visible, label.box:visible, a.about:visible, "
        ".downloads a:visible, summary:visible"
    )
    heights = targets.evaluate_all(
        "nodes => nodes.map(node => [node.getBoundingClientRect().height, node.textContent])"
    )
    assert len(heights) > 8
    assert [text for height, text in heights if height < 44] == []


def test_it_can_be_used_with_the_keyboard_alone(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    url = serve(tiny_zoo, accept_fake=True).url
    page.goto(fake_address(url, {"pace_ms": 60}, autorun=0, iterations=80))
    page.wait_for_selector("html[data-state=ready]")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Start timing")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="Paused")).to_be_attached()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    wait_until_done(page)
    expect(page.get_by_role("button", name="Time again")).to_be_focused()


def test_warnings_are_named_in_a_line_and_read_in_full_by_keyboard(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    run_fake(page, serve(tiny_zoo, accept_fake=True).url, {"durations_ms": [10]}, iterations=3)
    notes = rows(page).locator("[data-field=notes]")
    summary = notes.locator("summary")
    expect(summary).to_contain_text("few samples")
    message = notes.locator("[data-code=few_samples]")
    expect(message).to_be_hidden()
    summary.press("Enter")
    expect(message).to_be_visible()


def test_every_field_has_a_name_and_the_table_keeps_its_meaning_as_cards(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.set_viewport_size(VIEWPORTS[0])
    run_fake(page, serve(tiny_zoo, accept_fake=True).url, iterations=3)
    for name in ("Timed inferences", "Over at least, in seconds", "Until the median", "A run may take, in seconds"):
        expect(page.get_by_role("spinbutton", name=name)).to_be_visible()
    expect(page.get_by_role("textbox", name="Name of this device")).to_be_visible()
    expect(page.get_by_role("group", name="Networks").get_by_role("checkbox")).to_have_count(3)
    expect(page.get_by_role("group", name="How thoroughly").get_by_role("radio")).to_have_count(4)
    expect(page.get_by_role("table", name="Results")).to_be_visible()
    expect(page.get_by_role("cell").filter(has_text="matches PyTorch")).to_be_visible()
    expect(page.get_by_role("img", name="3 samples in the order taken").first).to_be_visible()
