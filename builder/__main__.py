"""The builder's command line: python -m builder {all, build, list, verify, clean}."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from rich.console import Console

from builder import commands
from builder.build_all import Options, build_all
from builder.catalogue import select
from builder.errors import ZooError
from builder.progress import Display

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code: 0 done, 1 something failed, 2 the command line or a folder is no good."""
    chosen = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(chosen)
    except ZooError as error:
        print(f"error: {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        print("interrupted; what was ready is kept, the next run goes on from there", file=sys.stderr)
        return INTERRUPTED


def _run(chosen: argparse.Namespace) -> int:
    if chosen.command == "list":
        # Where nobody watches, lines may be long: a table cut to 80 columns is of no use to grep.
        Console(width=None if sys.stdout.isatty() else 200).print(commands.catalogue_table(chosen.out))
        return 0
    if chosen.command == "clean":
        for path in commands.clean(chosen.out):
            print(f"removed {path}")
        return 0
    with Display(quiet=chosen.quiet) as display:
        if chosen.command == "verify":
            return FAILED if commands.verify_built(_names(chosen.names), chosen.out, display) else 0
        specs = select(chosen.names if chosen.command == "build" else [])
        return FAILED if build_all(specs, Options(chosen.out, chosen.weights, chosen.jobs), display) else 0


def _names(names: list[str]) -> list[str]:
    return [spec.id for spec in select(names)] if names else []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m builder",
        description="Turns networks from PyTorch into ONNX files that provably give PyTorch's answers.",
    )
    subcommands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--out", type=Path, default=Path("models"), help="the output folder (default: models)")
    talking = argparse.ArgumentParser(add_help=False)
    talking.add_argument("--quiet", action="store_true", help="print failures only")
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
    subcommands.add_parser("all", parents=[common, talking, building], help="build every model of the catalogue")
    build = subcommands.add_parser("build", parents=[common, talking, building], help="build the models named")
    build.add_argument("names", nargs="+", metavar="NAME")
    subcommands.add_parser("list", parents=[common], help="show the catalogue, and what is built")
    verify = subcommands.add_parser("verify", parents=[common, talking], help="verify what was built once more")
    verify.add_argument("names", nargs="*", metavar="NAME")
    subcommands.add_parser("clean", parents=[common], help="remove what was built")
    return parser


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from 1 to 64")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
