"""Using the page of one network as a person does, and what it should say."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from builder import manifest
from builder.preprocess import to_tensor
from builder.records import ModelEntry
from tests.support.server_here import Served

ANSWER_MS = 120_000

Bytes = NDArray[np.uint8]


def model_of(zoo: Path, model_id: str) -> ModelEntry:
    """What the manifest of that models folder says of a model."""
    found = manifest.find(manifest.read(zoo), model_id)
    assert found
    return found


def open_model(page: Page, server: Served, model_id: str) -> None:
    """Go to a network's page, and wait until it can be used."""
    page.goto(f"{server.url}/model.html?id={model_id}")
    page.wait_for_selector("html[data-state=ready]")


def ask(page: Page) -> None:
    """Let the network look at the picture, and wait for its answer."""
    page.get_by_role("button", name="What does it see?").click()
    page.wait_for_selector("#answer .proof", timeout=ANSWER_MS)


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """A smooth picture with a distinct colour in each corner."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return Image.fromarray((255 * np.stack([across, down, 1 - across * down], axis=-1)).astype(np.uint8))


def as_file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture as a file of that kind."""
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def choose(page: Page, content: bytes, name: str = "mine.png", kind: str = "image/png") -> None:
    """Choose a file in the field for pictures."""
    page.get_by_label("Picture file").set_input_files({"name": name, "mimeType": kind, "buffer": content})


def seen(page: Page) -> Bytes:
    """The pixels that the page says the network is given: (H, W, 3)."""
    pixels = page.locator("#seen").evaluate(
        "canvas => [canvas.height, canvas.width, [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]]"
    )
    height, width, data = pixels
    return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]


def given(image: Image.Image, model: ModelEntry) -> Bytes:
    """What the builder gives the network of that picture, as bytes: (H, W, 3)."""
    assert model.input.preprocessing
    plain = model.input.preprocessing.model_copy(
        update={"divisor": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    )
    tensor = to_tensor(image, model.input.model_copy(update={"preprocessing": plain}))
    found: Bytes = tensor[0].transpose(1, 2, 0).astype(np.uint8)
    return found


def told(page: Page) -> list[tuple[str, str]]:
    """The names and percentages of the answer's bars."""
    found: list[list[str]] = page.locator("#answer .bars li").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.bar-name').textContent, row.querySelector('.bar-value').textContent])"
    )
    return [(name, value) for name, value in found]


def percent(share: float) -> str:
    """A share as the page writes it: two digits at least."""
    value = 100 * share
    return (
        f"{value:.0f} %" if value >= 10 else f"{float(f'{value:.1e}'):.{max(0, 1 - int(np.floor(np.log10(value))))}f} %"
    )


def top_5(logits: NDArray[np.float32]) -> list[tuple[int, float]]:
    """The five likeliest classes and their probabilities."""
    wide = np.exp(logits.astype(np.float64).ravel() - logits.max())
    order = np.lexsort((np.arange(logits.size), -logits.ravel()))[:5]
    return [(int(index), float(wide[index] / wide.sum())) for index in order]
