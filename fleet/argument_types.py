"""What an argument of the fleet's command line may be, for argparse: each raises ArgumentTypeError with what it got and expected."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from urllib.parse import urlsplit


def address(text: str) -> str:
    """A server's address, without a path."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected an address such as http://127.0.0.1:8000")
    return f"{parts.scheme}://{parts.netloc}"


def parameter(text: str) -> tuple[str, str]:
    """One of the page's own parameters, as NAME=VALUE."""
    name, _, value = text.partition("=")
    return name, value


def names(text: str) -> tuple[str, ...]:
    """Different names with commas between them."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected different names with commas between them")
    return names


def device(text: str) -> str:
    """A device's name."""
    if not 1 <= len(text.strip()) <= 200:
        raise argparse.ArgumentTypeError(f"got {len(text.strip())} characters, expected 1 to 200")
    return text.strip()


def _number(text: str) -> float:
    """NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def seconds(text: str) -> float:
    """More than 0 s, a day at most."""
    seconds = _number(text)
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds, more than 0 and at most 86400")
    return seconds


def seconds_or_none(text: str) -> float:
    """From 0 s to a day."""
    seconds = _number(text)
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds from 0 to 86400")
    return seconds


def slower(text: str) -> float:
    """Per cent, with or without the sign, as a share."""
    return per_cent(text.removesuffix("%")) / 100


def per_cent(text: str) -> float:
    """More than 0, at most 100."""
    per_cent = _number(text)
    if not 0 < per_cent <= 100:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of per cent, more than 0 and at most 100")
    return per_cent


def between(least: int, most: int) -> Callable[[str], int]:
    """An argparse type: a whole number from `least` to `most`."""

    def parse_number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from {least} to {most}")
        return int(text)

    return parse_number
