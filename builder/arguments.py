"""The builder's command line as argparse sees it. Standard library only, so that `list` answers at once."""

from __future__ import annotations

import argparse
from pathlib import Path

BROWSERS = ("chromium", "firefox")
BACKENDS = ("wasm", "webgpu")


def parser() -> argparse.ArgumentParser:
    """python -m builder COMMAND ..."""
    top = argparse.ArgumentParser(
        prog="python -m builder",
        description="Turns networks from PyTorch into ONNX files that provably give PyTorch's answers.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    out = argparse.ArgumentParser(add_help=False)
    out.add_argument("--out", type=Path, default=Path("models"), help="the output folder (default: models)")
    talking = argparse.ArgumentParser(add_help=False)
    talking.add_argument("--quiet", action="store_true", help="print failures only")
    building = _building()

    commands.add_parser("all", parents=[out, talking, building], help="build every model of the catalogue")
    build = commands.add_parser("build", parents=[out, talking, building], help="build the models named")
    build.add_argument("names", nargs="+", metavar="NAME")
    listing = commands.add_parser("list", parents=[out], help="show the models, what is built, and where each runs")
    listing.add_argument(
        "--full", action="store_true", help="each backend of each file: why not, and what browsers did"
    )
    _verify(commands.add_parser("verify", parents=[out, talking], help="verify what was built once more"))
    _add(commands.add_parser("add", parents=[out, talking], help="add a model of your own"))
    remove = commands.add_parser("remove", parents=[out], help="remove a model of your own")
    remove.add_argument("name", metavar="NAME")
    commands.add_parser("licences", parents=[out], help="show the licences of the weights")
    commands.add_parser("schema", help="print the manifest's JSON Schema")
    clean = commands.add_parser("clean", parents=[out], help="remove what was built")
    clean.add_argument(
        "--cache", action="store_true", help="remove the builds that the cache keeps, and not the output folder"
    )
    return top


def _building() -> argparse.ArgumentParser:
    building = argparse.ArgumentParser(add_help=False)
    building.add_argument(
        "--weights",
        choices=("auto", "pretrained", "seeded"),
        default="auto",
        help="auto: published weights where they can be had, else seeded ones (default); pretrained: fail instead; seeded: never look",
    )
    building.add_argument(
        "--jobs", type=_jobs, default=1, metavar="N", help="models built at a time, each about 3 GB (default: 1)"
    )
    building.add_argument(
        "--scheduler", metavar="ADDRESS", help="build on the workers of this Dask scheduler, such as tcp://HOST:8786"
    )
    building.add_argument("--no-cache", action="store_true", help="build anew what the cache keeps from earlier builds")
    return building


def _verify(verify: argparse.ArgumentParser) -> None:
    verify.add_argument("names", nargs="*", metavar="NAME")
    verify.add_argument("--in-browser", action="store_true", help="in browsers, and record what they do")
    verify.add_argument(
        "--browsers",
        type=lambda text: _choices(text, BROWSERS),
        default=BROWSERS,
        metavar="LIST",
        help="which browsers (default: chromium,firefox)",
    )
    verify.add_argument(
        "--backends",
        type=lambda text: _choices(text, BACKENDS),
        default=BACKENDS,
        metavar="LIST",
        help="which backends (default: wasm,webgpu; WebGPU in Chromium only)",
    )


def _add(add: argparse.ArgumentParser) -> None:
    add.add_argument("source", metavar="MODEL", help="an ONNX file, or module:function that returns an nn.Module")
    add.add_argument("--id", required=True, metavar="NAME", help="what the zoo is to call it")
    add.add_argument("--labels", type=Path, metavar="FILE", help="class names: a JSON list, or one a line")
    add.add_argument(
        "--preprocessing",
        choices=("imagenet", "unit", "signed", "none"),
        help="how an image becomes the input: ImageNet's mean and deviation (default where the input can be an image), 0 to 1, -1 to 1, "
        "or no image at all",
    )
    add.add_argument(
        "--input", type=_shape, metavar="SHAPE", help="a network's input, such as 1x3x224x224, which is the default"
    )
    add.add_argument(
        "--dim",
        type=_dimension,
        action="append",
        default=[],
        metavar="NAME=SIZE",
        help="the size of a symbolic dimension of an ONNX file",
    )
    add.add_argument("--licence", default="not stated", metavar="TEXT", help="the licence of its weights")


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from 1 to 64")
    return int(text)


def _shape(text: str) -> tuple[int, ...]:
    parts = text.lower().split("x")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected whole numbers from 1 joined by x, such as 1x3x224x224"
        )
    return tuple(int(part) for part in parts)


def _dimension(text: str) -> tuple[str, int]:
    name, equals, size = text.rpartition("=")
    if not equals or not name or not size.isdecimal() or int(size) < 1:
        raise argparse.ArgumentTypeError(
            f"got {text!r}, expected NAME=SIZE with a whole number from 1, such as batch=1"
        )
    return name, int(size)


def _choices(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(text.split(",")))
    if not set(chosen) <= set(known):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected some of {','.join(known)}")
    return chosen
