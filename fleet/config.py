"""The command line of the fleet, checked once and then frozen."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from fleet import argument_types
from fleet.agent import AgentOptions, add_agent_arguments, agent_options
from fleet.drive import PATIENCE_S
from fleet.fleet_file import BrowserName
from fleet.records import ORDERS, PRESETS, Job

BROWSERS: tuple[BrowserName, ...] = get_args(BrowserName)
DEFAULT_SERVER = "http://127.0.0.1:8000"
DEFAULT_OUT = Path("results/fleet")


@dataclass(frozen=True)
class Choice:
    """Which devices, and what they measure. What is not given is the file's, and else the page's own.

    job: its server is empty where none was named; its device_name, models and backends likewise. browser, device, swiftshader: one
    browser of this machine, instead of a file.
    """

    file: Path | None
    job: Job
    only: tuple[str, ...] = ()
    browser: BrowserName | None = None
    swiftshader: bool = False
    patience_s: float | None = None


@dataclass(frozen=True)
class ListDevices:
    """`python -m fleet list`."""

    file: Path | None


@dataclass(frozen=True)
class Check:
    """`python -m fleet check`."""

    choice: Choice


@dataclass(frozen=True)
class Init:
    """`python -m fleet init`."""

    file: Path


@dataclass(frozen=True)
class Schema:
    """`python -m fleet schema`."""


@dataclass(frozen=True)
class RunFleet:
    """`python -m fleet run`.

    serve: a server is started for it. out: the folder that a folder for this session is made in, or None: no files. resume: the
    session's folder, or True for the newest one. ci, baseline, fail_if_slower: as part of an automatic build.
    """

    choice: Choice
    serve: bool = False
    dry_run: bool = False
    out: Path | None = DEFAULT_OUT
    resume: Path | Literal[True] | None = None
    ci: bool = False
    baseline: Path | None = None
    fail_if_slower: float = 0.1
    arguments: tuple[str, ...] = ()


Request = ListDevices | Check | Init | Schema | RunFleet | AgentOptions


def parse(arguments: Sequence[str]) -> Request:
    """What the arguments ask for. Ends the program with status 2 and a message if they are not right, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m fleet", description="Drive the browsers of many devices through the page's measurements."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the devices of a fleet.toml; without one, the browsers of this machine")
    checking = commands.add_parser(
        "check", help="can each device be reached, which browser and backends has it, how long would it take"
    )
    running = commands.add_parser(
        "run", help="measure on every device; without a fleet.toml, in this machine's browsers"
    )
    init = commands.add_parser("init", help="write a fleet.toml of what is found on this machine")
    add_agent_arguments(commands.add_parser("agent", help="lend this machine's browser to a fleet elsewhere"))
    commands.add_parser("schema", help="print the JSON Schema of fleet.toml")
    for one in (listing, checking, running):
        one.add_argument("file", nargs="?", type=Path, metavar="fleet.toml", help="default: this machine's browsers")
    init.add_argument("file", nargs="?", type=Path, default=Path("fleet.toml"), metavar="fleet.toml")
    for one in (checking, running):
        _add_choice(one)
    _add_session(running.add_argument_group("this session"))
    chosen = parser.parse_args(arguments)
    if chosen.command == "list":
        return ListDevices(chosen.file)
    if chosen.command == "init":
        return Init(chosen.file)
    if chosen.command == "schema":
        return Schema()
    if chosen.command == "agent":
        return agent_options(chosen)
    choice = _choice(parser, chosen)
    return Check(choice) if chosen.command == "check" else _run(parser, chosen, choice, arguments)


def _choice(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> Choice:
    one_browser = {"--browser": chosen.browser, "--device": chosen.device, "--swiftshader": chosen.swiftshader}
    given = [name for name, value in one_browser.items() if value]
    if chosen.file and given:
        parser.error(f"{given[0]}: {chosen.file} says which browsers; take a device of it with --only NAME")
    browser: BrowserName | None = chosen.browser or ("chromium" if given else None)
    if chosen.swiftshader and browser not in ("chromium", "chrome", "edge"):
        parser.error("--swiftshader: only Chromium has it (choose --browser chromium)")
    job = Job(
        server=chosen.server or "",
        device_name=chosen.device or "",
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
        extra=tuple(chosen.page_parameter or ()),
    )
    return Choice(chosen.file, job, tuple(chosen.only or ()), browser, chosen.swiftshader, chosen.patience)


def _run(
    parser: argparse.ArgumentParser, chosen: argparse.Namespace, choice: Choice, arguments: Sequence[str]
) -> RunFleet:
    if chosen.serve and choice.job.server:
        parser.error("--serve: a server is started, or --server names one, and not both")
    if chosen.no_files and (chosen.resume or chosen.ci):
        parser.error("--no-files: --resume and --ci need the session's folder")
    return RunFleet(
        choice,
        serve=chosen.serve or (chosen.ci and not choice.job.server),
        dry_run=chosen.dry_run,
        out=None if chosen.no_files else chosen.out,
        resume=chosen.resume,
        ci=chosen.ci,
        baseline=chosen.baseline,
        fail_if_slower=chosen.fail_if_slower,
        arguments=tuple(arguments),
    )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--server",
        type=argument_types.address,
        metavar="URL",
        help=f"the server's address; default: the file's, else {DEFAULT_SERVER}",
    )
    add("--only", action="append", metavar="NAME", help="only this device of the file; may be given several times")
    add("--browser", choices=BROWSERS, help="one browser of this machine, without a file")
    add(
        "--device",
        type=argument_types.device,
        metavar="NAME",
        help="its name in the results; default: host name and browser",
    )
    add("--swiftshader", action="store_true", help="WebGPU in software: right outputs, useless timings; Chromium only")
    add(
        "--patience",
        type=argument_types.seconds,
        metavar="S",
        help=f"give a page up when nothing changes for so long; default: {PATIENCE_S:g} s, half an hour for a person's visit",
    )
    add("--page-parameter", action="append", type=argument_types.parameter, help=argparse.SUPPRESS)
    _add_what(parser.add_argument_group("what to measure, and in which order"))
    _add_how(
        parser.add_argument_group(
            "how thoroughly", "What is not given is the file's, then the preset's, then the page's own."
        )
    )


def _add_session(parser: argparse._ArgumentGroup) -> None:
    add = parser.add_argument
    add("--serve", action="store_true", help="start a server for it, and stop it afterwards")
    add("--dry-run", action="store_true", help="show what would run where and how long it should take, and do nothing")
    add(
        "--out",
        type=Path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help="where the session gets its folder; default: %(default)s",
    )
    add("--no-files", action="store_true", help="leave the results to the server, and write nothing here")
    add(
        "--resume",
        nargs="?",
        const=True,
        type=Path,
        metavar="DIR",
        help="go on with an interrupted session (the newest one), without repeating finished runs",
    )
    add(
        "--ci",
        action="store_true",
        help="junit.xml and summary.md too; with a server of its own unless --server names one",
    )
    add("--baseline", type=Path, metavar="CSV", help="a timings.csv of before, to compare with")
    add(
        "--fail-if-slower",
        type=argument_types.slower,
        default=0.1,
        metavar="P%",
        help="exit status 1 if a median is slower than the baseline's by more; default: 10%%",
    )


def _add_what(parser: argparse._ArgumentGroup) -> None:
    add = parser.add_argument
    add(
        "--models",
        type=argument_types.names,
        default=(),
        metavar="A,B",
        help="all, or their names; default: the light ones",
    )
    add(
        "--backends",
        type=argument_types.names,
        default=(),
        metavar="A,B",
        help="wasm, wasm-N (N threads), webgpu, webgl, webnn-cpu, webnn-gpu, webnn-npu; default: wasm",
    )
    add(
        "--repeat",
        type=argument_types.between(1, 100),
        metavar="N",
        help="runs of each model on each backend; default: 1",
    )
    add(
        "--order",
        choices=ORDERS,
        help="all models in one page, their runs in turns or one after another; default: a page for each model, the smallest first, in "
        "which its backends take turns",
    )
    add(
        "--seed",
        type=argument_types.between(0, 2**32 - 1),
        metavar="N",
        help="what the order is shuffled with; default: drawn",
    )


def _add_how(parser: argparse._ArgumentGroup) -> None:
    add = parser.add_argument
    add("--preset", choices=PRESETS, help="numbers that go together; those given here win over its own")
    add("--iterations", type=argument_types.between(1, 10_000), metavar="N", help="timed inferences per run, at least")
    add(
        "--min-time",
        type=argument_types.seconds_or_none,
        metavar="S",
        help="over how long they are taken, at least; 0: however short",
    )
    add(
        "--precision",
        type=argument_types.per_cent,
        metavar="P",
        help="go on until the 95 %% interval of the median is narrower than so many per cent of it",
    )
    add(
        "--time-budget",
        type=argument_types.seconds,
        metavar="S",
        help="longest timing of one run; then it stays with fewer samples",
    )
    add(
        "--warmup",
        type=argument_types.between(0, 1000),
        metavar="N",
        help="inferences thrown away before each run's timed ones; default: until they are steady",
    )
    add(
        "--end-to-end",
        type=argument_types.between(0, 1000),
        metavar="N",
        help="how often a photograph is taken from its pixels to what is in it; 0: not at all",
    )
    add(
        "--timeout",
        type=argument_types.seconds,
        metavar="S",
        help="longest silence within one run, such as one inference. Longer than --patience has no effect",
    )
    add("--placement", action="store_true", help="store where each node ran, for proof: session logging costs time")
