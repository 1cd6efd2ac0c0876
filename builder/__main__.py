"""The builder's command line: python -m builder {all, build, list, verify, add, remove, licences, schema, clean}.

What a command needs is imported when it runs: `list` must answer at once.
"""

from __future__ import annotations

import argparse
import signal
import sys

from builder.arguments import parser
from builder.errors import ZooError

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code: 0 done, 1 something failed, 2 the command line or a folder is no good."""
    chosen = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(chosen)
    except ZooError as error:
        print(f"error: {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        kept = (
            "nothing was added"
            if chosen.command == "add"
            else "what was ready is kept, the next run goes on from there"
        )
        print(f"interrupted; {kept}", file=sys.stderr)
        return INTERRUPTED


def _run(chosen: argparse.Namespace) -> int:
    if chosen.command in {"all", "build", "verify", "add"}:
        return FAILED if _work(chosen) else 0
    if chosen.command in {"list", "licences"}:
        _show(chosen)
    elif chosen.command == "schema":
        from builder.schema import manifest_schema

        print(manifest_schema(), end="")
    elif chosen.command == "remove":
        from builder.add import remove

        remove(chosen.name, chosen.out, _removed)
    else:
        from builder import commands

        for path in commands.clean_cache() if chosen.cache else commands.clean(chosen.out):
            _removed(path)
    return 0


def _work(chosen: argparse.Namespace) -> list[ZooError]:
    """The commands that show progress; their failures."""
    from builder.progress import Display

    with Display(quiet=chosen.quiet) as display:
        if chosen.command == "add":
            from builder.add import Addition, add

            addition = Addition(
                source=chosen.source,
                id=chosen.id,
                labels=chosen.labels,
                shape=chosen.input,
                dimensions=dict(chosen.dim),
                preprocessing=chosen.preprocessing,
                licence=chosen.licence,
            )
            return add(addition, chosen.out, display)
        if chosen.command == "verify":
            from builder import commands

            if chosen.in_browser:
                return commands.verify_in_browser(chosen.names, chosen.out, chosen.browsers, chosen.backends, display)
            return commands.verify_built(chosen.names, chosen.out, display)
        from builder.build_all import Options, build_all
        from builder.catalogue import select

        options = Options(chosen.out, chosen.weights, chosen.jobs, chosen.scheduler, not chosen.no_cache)
        return build_all(select(chosen.names if chosen.command == "build" else []), options, display)


def _show(chosen: argparse.Namespace) -> None:
    from rich.console import Console

    from builder.listing import PLAIN, Symbols, models_table, support_table, unreadable

    # Where nobody watches, lines may be long: a table cut to 80 columns is of no use to grep.
    console = Console(width=None if sys.stdout.isatty() else 240)
    problem = unreadable(chosen.out)
    if problem:
        print(f"no model shows as built: {problem}", file=sys.stderr)
    if chosen.command == "licences":
        from builder.licences import SEEDED_NOTE, licences_table

        console.print(licences_table(chosen.out))
        console.print(SEEDED_NOTE)
        return
    symbols = Symbols() if console.encoding.lower().startswith("utf") else PLAIN
    console.print(models_table(chosen.out, symbols))
    if chosen.full:
        console.print(support_table(chosen.out))


def _removed(path: str) -> None:
    print(f"removed {path}")


if __name__ == "__main__":
    sys.exit(main())
