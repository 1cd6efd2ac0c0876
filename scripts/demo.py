"""The whole loop once, on this machine: build some of the zoo, serve it, time it in a browser, show the results.

DEMO_MODELS (comma-separated, or "all"), DEMO_BROWSERS (comma-separated), DEMO_ITERATIONS, DEMO_MIN_TIME and DEMO_TIME_BUDGET (seconds) narrow or widen it. The
results go into the folder DEMO_RESULTS (results/demo); what is there from earlier is kept, and the table holds it too.
"""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from builder.errors import ZooError
from builder.files import write_bytes
from fleet.browsers import KINDS
from scripts.serving import running_server

MODELS = Path("models")
# One of each kind: the whole zoo takes half an hour to build and to time on two cores.
DEFAULT_MODELS = (
    "mobilenet_v1",
    "mobilenet_v2",
    "resnet50",
    "ssdlite320_mobilenet_v3",
    "ssd_mobilenet_v1",
    "ssd_resnet34",
)
LIGHTEST = ("mobilenet_v2", "mobilenet_v1")
# Playwright's descriptors. Their processor is this machine's; the rows say that they are emulated.
PHONES = ("Pixel 7", "iPhone 15")


@dataclass(frozen=True)
class Choice:
    """What to time. No models means all of them."""

    models: tuple[str, ...]
    browsers: tuple[str, ...]
    iterations: str
    min_time: str
    time_budget: str
    results: Path

    @property
    def database(self) -> Path:
        """Where the server keeps the runs."""
        return self.results / "timings.sqlite"


def main() -> int:
    """Run the loop; the exit status. A model that failed does not keep the table of the others from being shown."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        choice = choose()
        build(choice)
        succeeded = measure(choice)
        show(choice)
    except ZooError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; runs that were over are stored", file=sys.stderr)
        return 130
    return 0 if succeeded else 1


def choose() -> Choice:
    """What the environment asks for. Raises ZooError for a browser that there is not; the builder and the fleet check the rest."""
    browsers = _names("DEMO_BROWSERS") or ("chromium",)
    unknown = [name for name in browsers if name not in KINDS]
    if unknown:
        raise ZooError(
            "DEMO_BROWSERS names no browser",
            got=", ".join(unknown),
            expected=" or ".join(KINDS) + ", or both with a comma between them",
            next_step="correct it, or leave it out for chromium",
        )
    return Choice(
        models=() if _names("DEMO_MODELS") == ("all",) else _names("DEMO_MODELS") or DEFAULT_MODELS,
        browsers=browsers,
        iterations=_number("DEMO_ITERATIONS", "30"),
        min_time=_number("DEMO_MIN_TIME", "1"),
        time_budget=_number("DEMO_TIME_BUDGET", "120"),
        results=_folder(os.environ.get("DEMO_RESULTS") or "results/demo"),
    )


def build(choice: Choice) -> None:
    """The chosen models, if they are not there. Raises ZooError if one cannot be built."""
    what = ["build", *choice.models] if choice.models else ["all"]
    _step("Building the models", "builder", *what, "--out", str(MODELS))


def measure(choice: Choice) -> bool:
    """Time the models in every chosen browser, and the lightest one in emulated phones. Returns whether all came to their end without a
    failure."""
    with running_server(MODELS, choice.database) as server:
        file = choice.results / "fleet.toml"
        write_bytes(file, fleet_of(choice, server.url).encode())
        phones = f" and emulated phones ({', '.join(PHONES)})" if "chromium" in choice.browsers else ""
        title = f"Timing them in {', '.join(choice.browsers)}{phones}, through {server.url}"
        return _run(title, "fleet", "run", str(file), "--no-files") == 0


def fleet_of(choice: Choice, server: str) -> str:
    """The demo's fleet.toml: this machine's browsers, and the same Chromium pretending to be phones."""
    node = platform.node() or "this machine"
    # A JSON text, list or number is TOML too.
    tables = [
        {
            "server": server,
            "models": list(choice.models) or ["all"],
            "backends": ["wasm"],
            "iterations": _as_number(choice.iterations),
            "min_time_s": _as_number(choice.min_time),
            "time_budget_s": _as_number(choice.time_budget),
        }
    ]
    tables += [{"name": f"{node} {browser}", "kind": "local", "browser": browser} for browser in choice.browsers]
    if "chromium" in choice.browsers:
        light = next((model for model in LIGHTEST if model in choice.models), None) or (choice.models or LIGHTEST)[0]
        tables += [
            {"name": f"{node} as {phone}", "kind": "local", "browser": "chromium", "emulate": phone, "models": [light]}
            for phone in PHONES
        ]
    return "\n[[device]]\n".join(
        "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items())
        for table in tables
    )


def show(choice: Choice) -> None:
    """The table, and the files that hold the rest. Raises ZooError if one of them cannot be made."""
    database = ("--database", str(choice.database))
    out = ("--out", str(choice.results))
    _step("Results", "timings", "table", *database)
    _step("As CSV: a row per run, per sample, per device", "timings", "csv", *database, *out)
    _step("As a chart", "timings", "plot", *database, *out)
    print("\nThe page itself: make serve")


def _step(title: str, module: str, *arguments: str) -> None:
    status = _run(title, module, *arguments)
    if status:
        raise ZooError(
            f"python -m {module} {arguments[0]} failed",
            got=f"exit status {status}; what it printed is above",
            expected="exit status 0",
            next_step="mend what it says and run make demo again; what is done already is kept",
        )


def _run(title: str, module: str, *arguments: str) -> int:
    print(f"\n{title}", flush=True)
    return subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode


def _number(variable: str, default: str) -> str:
    """The number that the variable holds; the fleet checks its range."""
    text = os.environ.get(variable) or default
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise ZooError(
            f"{variable} is no number",
            got=text,
            expected=f"a number such as {default}",
            next_step="correct it, or leave it out",
        )
    return text


def _as_number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)


def _names(variable: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in os.environ.get(variable, "").split(",") if name.strip())


def _folder(name: str) -> Path:
    """That folder, made if it is not there: a bad one must fail now, and not after the timing."""
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZooError(
            f"the results folder {folder} cannot be made",
            got=error.strerror or str(error),
            expected="a folder that this user may write to",
            next_step="choose another one with DEMO_RESULTS",
        ) from error
    return folder


def _leave(number: int, frame: FrameType | None) -> None:
    """A polite request to end is treated as Ctrl-C, so that the server is stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
