"""From a photograph to an input tensor, as builder.records.Preprocessing says. Pillow and numpy only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from builder.records import InputEntry

PHOTOGRAPH = Path(__file__).parent / "data" / "photograph.png"
BLANK = Path(__file__).parent / "data" / "blank.png"  # a grey card: there is nothing to find

_METHODS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def photograph_tensor(entry: InputEntry, path: Path = PHOTOGRAPH) -> NDArray[np.float32]:
    """The image at `path` as a tensor of entry.shape (1, 3, H, W)."""
    with Image.open(path) as image:
        return to_tensor(image.convert("RGB"), entry)


def to_tensor(image: Image.Image, entry: InputEntry) -> NDArray[np.float32]:
    """An RGB image as a tensor of entry.shape (1, 3, H, W), resized as its rule says, with antialiasing."""
    rule = entry.preprocessing
    if rule is None:
        raise ValueError(f"{entry.name} is not made from an image")
    height, width = entry.shape[2:]
    method = _METHODS[rule.interpolation]
    if rule.resize == "stretch":
        image = image.resize((width, height), method)
    else:
        assert rule.size is not None
        image = _centre_crop(_with_shorter_side(image, rule.size, method), width, height)
    pixels = np.asarray(image, dtype=np.float32) / np.float32(rule.divisor)
    normalised = (pixels - np.array(rule.mean, np.float32)) / np.array(rule.std, np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])


def noise_tensor(entry: InputEntry) -> NDArray[np.float32]:
    """Standard normal noise of entry.shape; the same every time."""
    return np.random.default_rng(20_260_101).standard_normal(entry.shape, dtype=np.float32)


def _with_shorter_side(image: Image.Image, size: int, method: Image.Resampling) -> Image.Image:
    width, height = image.size
    if width <= height:
        return image.resize((size, int(size * height / width)), method)
    return image.resize((int(size * width / height), size), method)


def _centre_crop(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))
