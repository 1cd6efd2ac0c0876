"""What a network says of a picture on its page, from where the picture comes, and that no picture leaves the device."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Request, Route, expect
from safetensors.numpy import load_file, save

from builder import manifest
from builder.detection import detect
from builder.preprocess import PHOTOGRAPH, to_tensor
from builder.records import Ssd, TopK
from scripts.serving import ROOT
from tests.conftest import Serve
from tests.support.model_page import (
    ANSWER_MS,
    as_file,
    ask,
    choose,
    given,
    model_of,
    open_model,
    percent,
    picture,
    seen,
    told,
    top_5,
)
from tests.support.tiny_zoo import PRIORS
from tests.support.zoos import copied


def test_the_photograph_is_shown_as_the_network_sees_it_and_named_by_it(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    model = model_of(tiny_zoo, "echo")
    open_model(page, serve(tiny_zoo), "echo")
    with Image.open(PHOTOGRAPH) as image:
        np.testing.assert_array_equal(seen(page), given(image.convert("RGB"), model))
    expect(page.locator("#seen-caption")).to_contain_text("4 × 4 pixels, stretched from 451 × 300")  # noqa: RUF001
    expect(page.locator("#answer")).to_be_hidden()
    ask(page)
    logits = load_file(tiny_zoo / model.references[0].path)["logits"]
    assert told(page) == [(f"class {index}", percent(share)) for index, share in top_5(logits)]
    expect(page.locator("#answer .proof")).to_contain_text("matches PyTorch on the photograph, here and now")
    expect(page.get_by_text("Its weights are seeded: random numbers")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Likeliest: class")).to_have_count(1)


def test_the_boxes_of_a_detector_are_drawn_where_they_are(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    model = model_of(tiny_zoo, "echo_ssd")
    assert isinstance(model.postprocessing, Ssd)
    open_model(page, serve(tiny_zoo), "echo_ssd")
    ask(page)
    reference = load_file(tiny_zoo / model.references[0].path)
    expected = detect(reference["locations"], reference["scores"], PRIORS, model.postprocessing)
    assert told(page) == [(f"{at + 1}. class {d.class_index}", percent(d.score)) for at, d in enumerate(expected)]
    drawn = page.locator(".box-drawn").evaluate_all(
        """boxes => boxes.map(box => {
          const {left, top, width, height} = box.parentElement.getBoundingClientRect();
          const own = box.getBoundingClientRect();
          return [(own.left - left) / width, (own.top - top) / height, (own.right - left) / width, (own.bottom - top) / height];
        })"""
    )
    assert len(drawn) == len(expected)
    for found, detection in zip(reversed(drawn), expected, strict=True):
        np.testing.assert_allclose(found, np.clip(detection.box, 0, 1), atol=0.004)
    frame = page.locator("#frame").bounding_box()
    assert frame
    assert frame["width"] / frame["height"] == pytest.approx(451 / 300, rel=0.01)


def test_a_persons_picture_is_looked_at_and_no_request_carries_it(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    model = model_of(tiny_zoo, "echo")
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    open_model(page, serve(tiny_zoo), "echo")
    ask(page)
    before = len(requests)
    image = picture()
    choose(page, as_file(image), "a cat & <b>more</b>.png")
    expect(page.locator("#seen-caption")).to_contain_text("a cat & <b>more</b>.png. The network is given")
    page.wait_for_selector("#answer .proof")
    expect(page.locator("#answer")).to_contain_text("this once")
    np.testing.assert_array_equal(seen(page), given(image, model))
    assert told(page) == [(f"class {index}", percent(share)) for index, share in top_5(to_tensor(image, model.input))]
    # Only the page's own reading of the picture, from memory; nothing was sent at any time.
    assert {request.url.partition(":")[0] for request in requests[before:]} <= {"blob"}
    assert {request.method for request in requests} == {"GET"}
    assert [request.url for request in requests if request.post_data_buffer] == []

    page.get_by_role("button", name="The shipped photograph").click()
    expect(page.locator("#seen-caption")).to_contain_text("The shipped photograph")
    page.wait_for_selector("#answer .proof")


DROP = """([content, type, kind]) => {
  const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], 'given.png', {type}));
  const event = kind === 'drop'
    ? new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})
    : Object.assign(new Event('paste', {bubbles: true}), {clipboardData: data});
  document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_can_be_dropped_or_pasted(page: Page, serve: Serve, tiny_zoo: Path, way: str) -> None:
    model = model_of(tiny_zoo, "echo")
    open_model(page, serve(tiny_zoo), "echo")
    image = picture(33, 50)
    page.evaluate(DROP, [base64.b64encode(as_file(image)).decode(), "image/png", way])
    expect(page.locator("#seen-caption")).to_contain_text("given.png")
    np.testing.assert_array_equal(seen(page), given(image, model))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_as_its_exif_says(
    page: Page, serve: Serve, tiny_zoo: Path, orientation: int
) -> None:
    model = model_of(tiny_zoo, "echo")
    open_model(page, serve(tiny_zoo), "echo")
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = picture(80, 40)
    choose(page, as_file(image, "JPEG", quality=100, subsampling=0, exif=exif), "turned.jpg", "image/jpeg")
    expect(page.locator("#seen-caption")).to_contain_text("turned.jpg")
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # to Pillow's Transpose
    upright = image.transpose(Image.Transpose(turns[orientation])) if orientation > 1 else image
    expect(page.locator("#seen-caption")).to_contain_text(f"{upright.width} × {upright.height}")  # noqa: RUF001
    assert np.abs(seen(page).astype(int) - given(upright, model)).max() <= 6  # JPEG's own loss


def test_transparency_lies_on_white_and_a_huge_picture_is_scaled_first(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    open_model(page, serve(tiny_zoo), "echo")
    choose(page, as_file(Image.new("RGBA", (20, 20), (0, 0, 0, 0))))
    expect(page.locator("#seen-caption")).to_contain_text("20 × 20")  # noqa: RUF001
    assert (seen(page) == 255).all()
    choose(page, as_file(picture(6000, 500)), "wide.png")
    expect(page.locator("#seen-caption")).to_contain_text("6000 × 500 (first scaled to 2048 × 171)")  # noqa: RUF001
    frame = page.locator("#frame").bounding_box()
    assert frame
    assert frame["width"] / frame["height"] == pytest.approx(12, rel=0.05)


@pytest.mark.parametrize(
    ("content", "name", "kind", "said"),
    [
        (b"", "empty.png", "image/png", "an empty file"),
        (b"hello", "notes.txt", "text/plain", "a file of text/plain"),
        (b"\x89PNG broken", "broken.png", "image/png", "image/png, of which the browser says"),
        (
            b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
            "IMG_1.HEIC",
            "image/heic",
            "a HEIC picture, as iPhones save it",
        ),
    ],
    ids=["empty", "text", "broken", "heic"],
)
def test_what_is_no_picture_is_told(
    page: Page, serve: Serve, tiny_zoo: Path, content: bytes, name: str, kind: str, said: str
) -> None:
    open_model(page, serve(tiny_zoo), "echo")
    choose(page, content, name, kind)
    alert = page.get_by_role("alert").filter(has_text="cannot be shown as a picture")
    expect(alert).to_contain_text(said)
    expect(page.locator("#seen-caption")).to_contain_text("The shipped photograph")
    choose(page, as_file(picture()))
    expect(alert).to_be_hidden()


def test_wrong_outputs_are_not_shown(page: Page, serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    """The served network copies what another's reference does not say."""
    zoo = Path(shutil.copytree(tiny_zoo, tmp_path / "zoo"))
    whole = manifest.read(zoo)
    echo, *others = whole.models
    reference = zoo / echo.references[0].path
    tensors = load_file(reference)
    tensors["logits"] = tensors["logits"] + 1
    reference.write_bytes(save(tensors))
    changed = echo.references[0].model_copy(
        update={"sha256": hashlib.sha256(reference.read_bytes()).hexdigest(), "bytes": reference.stat().st_size}
    )
    echo = echo.model_copy(update={"references": (changed, *echo.references[1:])})
    manifest.write(zoo, whole.model_copy(update={"models": (echo, *others)}))
    open_model(page, serve(zoo), "echo")
    page.get_by_role("button", name="What does it see?").click()
    alert = page.get_by_role("alert").filter(has_text="differ from the reference's")
    expect(alert).to_contain_text("logits is off by up to 1", timeout=ANSWER_MS)
    expect(page.locator("#answer")).to_be_empty()
    expect(page.get_by_role("button", name="What does it see?")).to_be_enabled()


def test_a_network_that_goes_wrong_later_shows_nothing_of_a_persons_picture(
    page: Page, context: BrowserContext, serve: Serve, tiny_zoo: Path
) -> None:
    """Right when it is proven at first; from its second picture on, every number is off by one."""
    context.route("**/inputs.js", _spoil_the_third_reading)
    open_model(page, serve(tiny_zoo), "echo")
    ask(page)
    choose(page, as_file(picture()), "mine.png")
    alert = page.get_by_role("alert").filter(has_text="differ from the reference's")
    expect(alert).to_contain_text("logits is off by up to 1", timeout=ANSWER_MS)
    expect(page.locator("#answer")).not_to_contain_text("this once")


def _spoil_the_third_reading(route: Route) -> None:
    honest = (ROOT / "web" / "inputs.js").read_text()
    declared = "export function readOutputs("
    assert declared in honest
    spoiling = """
        let readings = 0;
        export function readOutputs(...given) {
          readings += 1;
          const read = honest(...given);
          if (readings < 3) return read;
          return Object.fromEntries(Object.entries(read).map(([name, { data, dims }]) => [name, { data: data.map(value => value + 1), dims }]));
        }"""
    route.fulfill(body=honest.replace(declared, "function honest(") + spoiling, content_type="text/javascript")


@pytest.mark.parametrize("model_id", ["mobilenet_v1", "ssd_mobilenet_v1_coco"])
def test_real_networks_say_on_the_page_what_pytorch_says(
    page: Page, serve: Serve, real_zoo: Path, tmp_path: Path, model_id: str
) -> None:
    model = model_of(real_zoo, model_id)
    open_model(page, serve(copied((model_id,), real_zoo, tmp_path / "zoo")), model_id)
    ask(page)
    labels = json.loads((real_zoo / model.labels.path).read_bytes())
    reference = load_file(real_zoo / model.references[0].path)
    on_the_photograph = told(page)
    if isinstance(model.postprocessing, TopK):
        expected = [labels[index] for index, _ in top_5(reference[model.outputs[0].name])]
        assert [name for name, _ in on_the_photograph] == expected
    else:
        assert isinstance(model.postprocessing, Ssd)
        priors = load_file(real_zoo / model.postprocessing.priors.path)["priors"]
        rule = model.postprocessing
        found = detect(reference[rule.locations_output], reference[rule.scores_output], priors, rule)
        assert [name.partition(" ")[2] for name, _ in on_the_photograph] == [labels[d.class_index] for d in found[:10]]
    # The photograph as a person's own file takes the other way, from its pixels, to the same answer.
    choose(page, PHOTOGRAPH.read_bytes(), "photograph.png")
    expect(page.locator("#seen-caption")).to_contain_text("photograph.png")
    page.wait_for_selector("#answer .proof", timeout=ANSWER_MS)
    assert [name for name, _ in told(page)][:3] == [name for name, _ in on_the_photograph][:3]
