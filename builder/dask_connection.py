"""Reaching a Dask cluster: the package, the scheduler, and workers that would build what this machine would."""

from __future__ import annotations

import importlib
import logging
import queue
import threading
from typing import Any

from builder import dask_worker
from builder.errors import ZooError

_CONNECT_S = 10


def distributed() -> Any:
    """The package. Raises ZooError where it is not installed."""
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise ZooError(
            "--scheduler needs the package distributed, which is not installed",
            got=str(error),
            expected="Dask, an optional extra",
            next_step="install it: .venv/bin/pip install -r requirements.lock",
        ) from error


def connected(address: str) -> Any:
    """A client of the scheduler there. Raises ZooError when the package is missing or no scheduler answers.

    Dask's own timeout does not cover a server that takes the connection and stays silent.
    """
    dask = distributed()
    _silence_logs()
    client = dask.Client.__new__(dask.Client)
    ended: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def connect() -> None:
        try:
            client.__init__(address, timeout=_CONNECT_S, set_as_default=False)
            ended.put(None)
        except Exception as error:  # another server's answer can make Dask raise anything
            ended.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        failure = ended.get(timeout=_CONNECT_S + 2)
    except queue.Empty:
        failure = TimeoutError("it takes the connection and says nothing")
    if failure is None:
        return client
    client.status = "closed"  # else its destructor waits, and prints why it could not close what was never open
    raise ZooError(
        f"the Dask scheduler {address} cannot be reached",
        got=(str(failure).strip() or type(failure).__name__).splitlines()[0],
        expected=f"an answer within {_CONNECT_S} s at an address like tcp://HOST:8786",
        next_step="start one (python -m dask scheduler), check the address, or build here without --scheduler",
    ) from failure


def workers(client: Any) -> dict[str, Any]:
    """What the scheduler says of its workers, by address."""
    found: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return found


def check_workers(client: Any, address: str, tools: dict[str, str]) -> None:
    """Raise ZooError unless there are workers, and all have this machine's tools."""
    found: dict[str, Any] = {}
    if known := workers(client):
        try:
            found = client.run(dask_worker.versions, on_error="return")
        except Exception as error:  # what a worker without our package makes of the call
            found = dict.fromkeys(known, error)
    if not found:
        raise ZooError(
            f"the Dask scheduler {address} has no worker",
            got="0 workers",
            expected="at least one",
            next_step=f"start one in this project's folder on each machine: python -m dask worker {address} --nthreads 1",
        )
    problems = [f"{worker}: {text}" for worker, versions in found.items() if (text := _difference(versions, tools))]
    if problems:
        raise ZooError(
            f"{len(problems)} of {len(found)} workers of {address} cannot build what this machine would",
            got="; ".join(problems[:3]) + ("; ..." if len(problems) > 3 else ""),
            expected="this project's folder and the versions of requirements.lock on every worker",
            next_step="install the same lock file there, and start the workers in the project's folder",
        )


def _difference(versions: dict[str, str] | BaseException, tools: dict[str, str]) -> str:
    """How a worker's tools differ from ours, in words; empty if they do not."""
    if isinstance(versions, BaseException):
        return f"{type(versions).__name__}: {versions}".splitlines()[0]
    different = {name: (versions.get(name), ours) for name, ours in tools.items() if versions.get(name) != ours}
    return ", ".join(f"{name} {theirs or 'missing'}, here {ours}" for name, (theirs, ours) in different.items())


def _silence_logs() -> None:
    """What Dask logs of lost connections is told in our words."""
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
