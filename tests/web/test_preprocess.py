"""web/preprocess.js makes of a picture exactly what builder/preprocess.py makes of it with Pillow."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from builder.catalogue import CATALOGUE
from builder.preprocess import PHOTOGRAPH, photograph_tensor, to_tensor
from builder.records import InputEntry, Preprocessing
from tests.support.javascript import JavaScript

Bytes = NDArray[np.uint8]

# Every rule of the catalogue once, by the first model that has it.
RULES = {
    (spec.input.shape, spec.input.model_dump_json(exclude={"name"})): (spec.id, spec.input)
    for spec in reversed(CATALOGUE)
    if spec.input.preprocessing
}
BYTES_AS_THEY_ARE = {"divisor": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
# Width and height: larger and smaller than any input, odd, equal to one, long and narrow, down to one pixel.
SIZES = [(451, 300), (300, 451), (1, 1), (1, 37), (53, 1), (224, 224), (256, 256), (300, 300), (1279, 721), (17, 9)]

TO_TENSORS = """async ({preprocess, fit}, cases) => {
  const inBase64 = bytes => { let text = ''; for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768)); return btoa(text); };
  return Promise.all(cases.map(async ({rgba, width, height, input}) => {
    const pixels = {data: Uint8ClampedArray.from(atob(rgba), letter => letter.charCodeAt(0)), width, height};
    const {data, dims} = preprocess(pixels, input);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
    const fitted = fit(pixels, input);
    return {dims, sha256: [...digest].map(byte => byte.toString(16).padStart(2, '0')).join(''), bytes: inBase64(fitted.data), size: [fitted.height, fitted.width]};
  }));
}"""


def picture(width: int, height: int, seed: int = 0) -> Bytes:
    """Noise of the extremes and of everything between, so that filters overshoot, over a gradient: (height, width, 3)."""
    rng = np.random.default_rng([width, height, seed])
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    extremes = rng.choice(np.array([0, 255], np.uint8), (height, width, 3))
    return np.where(rng.random((height, width, 1)) < 0.5, noise, extremes).astype(np.uint8)


def sent(pixels: Bytes, entry: InputEntry) -> dict[str, Any]:
    height, width, _ = pixels.shape
    alpha = np.random.default_rng(1).integers(0, 256, (height, width, 1), dtype=np.uint8)
    rgba = np.concatenate([pixels, alpha], axis=2)
    return {
        "rgba": base64.b64encode(rgba.tobytes()).decode(),
        "width": width,
        "height": height,
        "input": entry.model_dump(mode="json"),
    }


def bytes_by_pillow(pixels: Bytes, entry: InputEntry) -> Bytes:
    """The resized and cut picture: (H, W, 3)."""
    assert entry.preprocessing
    as_they_are = entry.model_copy(update={"preprocessing": entry.preprocessing.model_copy(update=BYTES_AS_THEY_ARE)})
    resized: Bytes = to_tensor(Image.fromarray(pixels), as_they_are)[0].transpose(1, 2, 0).astype(np.uint8)
    return resized


def assert_same(found: dict[str, Any], pixels: Bytes, entry: InputEntry) -> None:
    resized = bytes_by_pillow(pixels, entry)
    ours = np.frombuffer(base64.b64decode(found["bytes"]), np.uint8).reshape((*found["size"], 3))
    np.testing.assert_array_equal(ours, resized)
    assert found["dims"] == list(entry.shape)
    assert found["sha256"] == hashlib.sha256(to_tensor(Image.fromarray(pixels), entry).tobytes()).hexdigest()


@pytest.mark.parametrize(("name", "entry"), RULES.values(), ids=[name for name, _ in RULES.values()])
def test_every_rule_of_the_catalogue_gives_pillows_numbers(
    javascript: JavaScript, name: str, entry: InputEntry
) -> None:
    sizes = SIZES if entry.shape[2] < 800 else SIZES[:5]
    for pixels in (picture(*size) for size in sizes):
        (found,) = javascript("preprocess.js", TO_TENSORS, [sent(pixels, entry)])
        assert_same(found, pixels, entry)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Bytes, InputEntry]:
    """A picture and a rule for it: sides from 1 to 40 pixels each, so that the cut may be larger than what is cut."""
    side = st.integers(1, 40)
    is_cut = draw(st.booleans())
    rule = Preprocessing(
        resize="shorter_side" if is_cut else "stretch",
        size=draw(side) if is_cut else None,
        interpolation=draw(st.sampled_from(["bilinear", "bicubic"])),
        divisor=draw(st.sampled_from([1.0, 255.0, 127.5])),
        mean=draw(st.tuples(*[st.sampled_from([0.0, 0.485, 123.68])] * 3)),
        std=draw(st.tuples(*[st.sampled_from([1.0, 0.229, 58.395, 1 / 255])] * 3)),
    )
    entry = InputEntry(name="x", shape=(1, 3, draw(side), draw(side)), dtype="float32", preprocessing=rule)
    return picture(draw(side), draw(side), draw(st.integers(0, 9))), entry


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(cases(), min_size=1, max_size=20))
def test_any_rule_and_any_size_give_pillows_numbers(
    javascript: JavaScript, batch: list[tuple[Bytes, InputEntry]]
) -> None:
    found = javascript("preprocess.js", TO_TENSORS, [sent(pixels, entry) for pixels, entry in batch])
    for one, (pixels, entry) in zip(found, batch, strict=True):
        assert_same(one, pixels, entry)


HASH = """async ({photographPixels}, input) => {
  const {preprocess} = await import(new URL('/preprocess.js', location.href).href);
  const hash = async data => [...new Uint8Array(await crypto.subtle.digest('SHA-256', data))].map(byte => byte.toString(16).padStart(2, '0')).join('');
  const pixels = await photographPixels();
  return {size: [pixels.width, pixels.height], rgba: await hash(pixels.data), tensor: await hash(preprocess(pixels, input).data)};
}"""


def test_the_photographs_pixels_and_tensor_are_pillows(javascript: JavaScript) -> None:
    """Its file has a colour profile, which neither applies."""
    _, entry = next(iter(RULES.values()))
    with Image.open(PHOTOGRAPH) as image:
        assert "icc_profile" in image.info
        rgba = image.convert("RGBA")
    found = javascript("photograph.js", HASH, entry.model_dump(mode="json"))
    assert found["size"] == list(rgba.size)
    assert found["rgba"] == hashlib.sha256(rgba.tobytes()).hexdigest()
    assert found["tensor"] == hashlib.sha256(photograph_tensor(entry).tobytes()).hexdigest()


def test_the_photograph_that_is_asked_for_is_the_shipped_one(javascript: JavaScript) -> None:
    content = PHOTOGRAPH.read_bytes()
    expected = {"path": PHOTOGRAPH.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert javascript("photograph.js", "({PHOTOGRAPH}) => PHOTOGRAPH") == expected
