"""The command line of the fleet, checked once and then frozen."""

from __future__ import annotations

import argparse
import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fleet.browsers import KINDS, Kind
from fleet.drive import PATIENCE_S
from fleet.records import ORDERS, PRESETS, Job


@dataclass(frozen=True)
class ListBrowsers:
    """`python -m fleet list`."""


@dataclass(frozen=True)
class RunJob:
    """`python -m fleet run`."""

    job: Job
    kind: Kind
    swiftshader: bool
    patience_s: float


def parse(arguments: Sequence[str]) -> ListBrowsers | RunJob:
    """What the arguments ask for. Ends the program with status 2 and a message if they are not right, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m fleet", description="Drive browsers through the page's measurements."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the browsers of this machine, with their versions")
    _add_run(commands.add_parser("run", help="measure in one browser of this machine"))
    chosen = parser.parse_args(arguments)
    if chosen.command == "list":
        return ListBrowsers()
    if chosen.swiftshader and chosen.browser != "chromium":
        parser.error("--swiftshader: only Chromium has it (choose --browser chromium)")
    job = Job(
        server=chosen.server,
        device_name=chosen.device or f"{platform.node() or 'this machine'} {chosen.browser}",
        models=chosen.models,
        backends=chosen.backends,
        preset=chosen.preset,
        iterations=chosen.iterations,
        min_time_s=chosen.min_time,
        precision=chosen.precision,
        time_budget_s=chosen.time_budget,
        warmup=chosen.warmup,
        end_to_end=chosen.end_to_end,
        repeat=chosen.repeat,
        order=chosen.order,
        seed=chosen.seed,
        timeout_s=chosen.timeout,
        placement=chosen.placement,
    )
    return RunJob(job=job, kind=chosen.browser, swiftshader=chosen.swiftshader, patience_s=chosen.patience)


def _add_run(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--server",
        required=True,
        type=_address,
        metavar="URL",
        help="the server's address, such as http://127.0.0.1:8000",
    )
    add("--browser", choices=KINDS, default="chromium", help="default: %(default)s")
    add(
        "--device",
        type=_device,
        metavar="NAME",
        help="this device's name in the results; default: host name and browser",
    )
    add("--swiftshader", action="store_true", help="WebGPU in software: right outputs, useless timings; Chromium only")
    add(
        "--patience",
        type=_seconds,
        default=PATIENCE_S,
        metavar="S",
        help="give up when nothing changes for so long; default: %(default)g s",
    )
    _add_what(parser.add_argument_group("what to measure, and in which order"))
    _add_how(
        parser.add_argument_group(
            "how thoroughly", "What is not given is the preset's, and without one the page's own."
        )
    )


def _add_what(parser: argparse._ArgumentGroup) -> None:
    add = parser.add_argument
    add("--models", type=_names, default=(), metavar="A,B", help="all, or their names; default: the light ones")
    add(
        "--backends",
        type=_names,
        default=("wasm",),
        metavar="A,B",
        help="wasm, wasm-N (N threads), webgpu, webgl, webnn-cpu, webnn-gpu, webnn-npu; default: wasm",
    )
    add("--repeat", type=_between(1, 100), metavar="N", help="runs of each model on each backend; default: 1")
    add(
        "--order",
        choices=ORDERS,
        help="whether runs take turns, so that all see the same drift of the device; default: interleaved",
    )
    add("--seed", type=_between(0, 2**32 - 1), metavar="N", help="what the order is shuffled with; default: drawn")


def _add_how(parser: argparse._ArgumentGroup) -> None:
    add = parser.add_argument
    add("--preset", choices=PRESETS, help="numbers that go together; those given here win over its own")
    add("--iterations", type=_between(1, 10_000), metavar="N", help="timed inferences per run, at least")
    add(
        "--min-time",
        type=_seconds_or_none,
        metavar="S",
        help="over how long they are taken, at least; 0: however short",
    )
    add(
        "--precision",
        type=_per_cent,
        metavar="P",
        help="go on until the 95 %% interval of the median is narrower than so many per cent of it",
    )
    add("--time-budget", type=_seconds, metavar="S", help="longest timing of one run; then it stays with fewer samples")
    add(
        "--warmup",
        type=_between(0, 1000),
        metavar="N",
        help="inferences thrown away before each run's timed ones; default: until they are steady",
    )
    add(
        "--end-to-end",
        type=_between(0, 1000),
        metavar="N",
        help="how often a photograph is taken from its pixels to what is in it; 0: not at all",
    )
    add(
        "--timeout",
        type=_seconds,
        metavar="S",
        help="longest silence within one run, such as one inference. Longer than --patience has no effect",
    )
    add("--placement", action="store_true", help="store where each node ran, for proof: session logging costs time")


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected an address such as http://127.0.0.1:8000")
    return f"{parts.scheme}://{parts.netloc}"


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected different names with commas between them")
    return names


def _device(text: str) -> str:
    if not 1 <= len(text.strip()) <= 200:
        raise argparse.ArgumentTypeError(f"got {len(text.strip())} characters, expected 1 to 200")
    return text.strip()


def _number(text: str) -> float:
    """NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _seconds(text: str) -> float:
    seconds = _number(text)
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds, more than 0 and at most 86400")
    return seconds


def _seconds_or_none(text: str) -> float:
    seconds = _number(text)
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds from 0 to 86400")
    return seconds


def _per_cent(text: str) -> float:
    per_cent = _number(text)
    if not 0 < per_cent <= 100:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of per cent, more than 0 and at most 100")
    return per_cent


def _between(least: int, most: int) -> Callable[[str], int]:
    """An argparse type: a whole number from `least` to `most`."""

    def parse_number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from {least} to {most}")
        return int(text)

    return parse_number
