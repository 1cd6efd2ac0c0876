"""What the fleet adds to opening the page: python -m benchmarks.fleet_overhead [--browsers chromium firefox] [--rounds 5].

Time: `python -m fleet run` on one device for each browser, in turns with a script that does nothing but start the same browsers with
Playwright, open the page with the same parameters, wait until it is done and end them. Both are cut where Playwright's driver begins and
ends, as seen from outside: what comes before (starting Python) and after (table, CSV, report) is the same for one device or many, and
stands beside it. What is left, a device, has the limit.

Load: what the fleet's own process uses between these cuts, while one browser makes one long run, since it must not disturb what it measures:
printing to a file, drawing its live table on a terminal, and with a baseline to compare with. Playwright's driver is a process of its own, which
no limit is set for, and which anything that drives a browser by Playwright has; what it uses stands beside it. /proc is read: on Linux only.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import ROOT, machine, verdict
from benchmarks.process_watch import Watched, watch
from fleet.browsers import KINDS, Kind, need
from fleet.records import Job
from scripts.serving import running_server

LIMIT_S = 2.0
LIMIT_MB = 150.0
LIMIT_PERCENT = 2.0
_ITERATIONS, _WARMUP = 5, 1


def fleet_file(folder: Path, browsers: Sequence[Kind]) -> Path:
    """A fleet.toml with a device for each of these browsers, named after it."""
    tables = [f'[[device]]\nname = "{kind}"\nkind = "local"\nbrowser = "{kind}"\n' for kind in browsers]
    path = folder / f"{'-'.join(browsers)}.toml"
    path.write_text("\n".join(tables))
    return path


class Commands:
    """What is compared: the same visits by the fleet and without it."""

    def __init__(self, url: str, folder: Path, model: str, browsers: Sequence[Kind]) -> None:
        self.out = folder / "out"
        self._url = url
        self._folder = folder
        self._model = model
        self._browsers = browsers

    def fleet(self) -> list[str]:
        """A quick run in each browser."""
        few = ("--iterations", str(_ITERATIONS), "--min-time", "0", "--warmup", str(_WARMUP))
        return self._fleet(self._browsers, *few)

    def bare(self) -> list[str]:
        """The same pages, opened with nothing but Playwright."""
        command = [sys.executable, "-m", "benchmarks.bare_visits"]
        for kind in self._browsers:
            job = Job(
                server=self._url,
                device_name=kind,
                models=(self._model,),
                backends=("wasm",),
                iterations=_ITERATIONS,
                min_time_s=0.0,
                warmup=_WARMUP,
                end_to_end=0,
                fleet_id=str(uuid.uuid4()),
                device_id=str(uuid.uuid4()),
            )
            command += [kind, job.url()]
        return command

    def long(self, seconds: float, *more: str) -> list[str]:
        """A run of so many seconds in the first browser."""
        return self._fleet(self._browsers[:1], "--min-time", f"{seconds:g}", *more)

    def _fleet(self, browsers: Sequence[Kind], *more: str) -> list[str]:
        file = fleet_file(self._folder, browsers)
        command = [sys.executable, "-m", "fleet", "run", str(file), "--server", self._url, "--out", str(self.out)]
        return [*command, "--models", self._model, "--backends", "wasm", "--end-to-end", "0", *more]


def compare(commands: Commands, devices: int, rounds: int) -> bool:
    """Print each pair and the medians; whether the limit is kept."""
    pairs: list[tuple[Watched, Watched]] = []
    for round_ in range(rounds):
        # Whoever goes second finds the files in memory: they take turns in that too.
        kinds = ("fleet", "bare") if round_ % 2 else ("bare", "fleet")
        found = {kind: _done(watch(getattr(commands, kind)())) for kind in kinds}
        pairs.append((found["bare"], found["fleet"]))
        bare, fleet = pairs[-1]
        print(
            f"pair {round_ + 1}: bare {bare.driving_s:.2f} s, fleet {fleet.driving_s:.2f} s for {devices} devices",
            flush=True,
        )
    for name, mine in (("bare script", [bare for bare, _ in pairs]), ("fleet", [fleet for _, fleet in pairs])):
        before, after = (
            statistics.median(times) for times in zip(*((w.starting_s, w.ending_s) for w in mine), strict=True)
        )
        print(
            f"whole command, {name}: median {statistics.median(w.whole_s for w in mine):.2f} s, of which {before:.2f} s before its driver "
            f"starts and {after:.2f} s after it has ended"
        )
    more = [fleet.whole_s - bare.whole_s for bare, fleet in pairs]
    print(f"whole commands: the fleet's takes {statistics.median(more):.2f} s more (median)")
    differences = [(fleet.driving_s - bare.driving_s) / devices for bare, fleet in pairs]
    print(
        "beyond opening the page, for each device, pair by pair: "
        + ", ".join(f"{d:+.2f} s" for d in sorted(differences))
    )
    return verdict("median time for each device beyond opening the page", statistics.median(differences), LIMIT_S, "s")


def load(commands: Commands, seconds: float) -> bool:
    """Print what the fleet's process uses during a long run, in each way of running it; whether the limits are kept."""
    kept = [_light("printing to a file", watch(commands.long(seconds)))]
    kept.append(_light("on a terminal", watch(commands.long(seconds), terminal=True)))
    baseline = max(commands.out.glob("*/timings.csv"))
    more = ("--ci", "--baseline", str(baseline), "--fail-if-slower", "100%")
    # It may well find that a busy machine was slower: that is not what is measured here.
    kept.append(_light("with --ci and a baseline", watch(commands.long(seconds, *more)), statuses=(0, 1)))
    return all(kept)


def _light(how: str, watched: Watched, statuses: Sequence[int] = (0,)) -> bool:
    own, driver = _done(watched, statuses).own, watched.driver
    share, drivers_share = (100 * use.cpu_s / watched.driving_s for use in (own, driver))
    print(
        f"{how}, {watched.driving_s:.0f} s: Playwright's driver beside it {driver.peak_mb:.0f} MB, {drivers_share:.2f} % of a core"
    )
    kept = [
        verdict("  the fleet's own process, most memory", own.peak_mb, LIMIT_MB, "MB"),
        verdict("  the fleet's own process, processor", share, LIMIT_PERCENT, "% of a core"),
    ]
    return all(kept)


def _done(watched: Watched, statuses: Sequence[int] = (0,)) -> Watched:
    if watched.status not in statuses or " 0 timed" in watched.shown:
        raise SystemExit(f"exit status {watched.status}\n{watched.shown}")
    return watched


def main() -> int:
    """Print both comparisons; 0 if all limits are kept, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fleet_overhead",
        description="Compare the fleet with opening the page and nothing else.",
    )
    parser.add_argument("--browsers", nargs="+", choices=KINDS, default=list(KINDS), help="default: all of them")
    parser.add_argument("--model", default="mobilenet_v2", help="which model (default: mobilenet_v2)")
    parser.add_argument("--rounds", type=int, default=5, help="how many pairs (default: 5)")
    parser.add_argument("--seconds", type=float, default=60, help="of the long runs (default: 60)")
    arguments = parser.parse_args()
    print(machine())
    for kind in arguments.browsers:
        need(kind)
    with tempfile.TemporaryDirectory(prefix="zoo-fleet-") as scratch:
        folder = Path(scratch)
        with running_server(ROOT / "models", folder / "runs.sqlite") as server:
            commands = Commands(server.url, folder, arguments.model, arguments.browsers)
            kept = [compare(commands, len(arguments.browsers), arguments.rounds), load(commands, arguments.seconds)]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
