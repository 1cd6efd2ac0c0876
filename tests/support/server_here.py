"""The real server without a process of its own: the same application on the same WSGI server, in a thread, up in milliseconds.

Hundreds of tests of the page want a server with an empty database each; a process takes most of a second to start and stop.
Tests of the server itself start the program (the fixture `program`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waitress.channel import HTTPChannel

from server import Settings, create_app
from serving.listening import Listening

_END_S = 20


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    url: str
    database: Path


@contextlib.contextmanager
def server_here(models: Path, database: Path, *, accept_fake: bool = False) -> Iterator[Served]:
    """Serve these models with this database on a free port of this machine until the end of the block."""
    app = create_app(Settings(models.absolute(), str(database.absolute()), accept_fake))
    listening = Listening(app, "127.0.0.1", 0)
    thread = threading.Thread(target=listening.run, name=f"server of {models.name}")
    thread.start()
    try:
        yield Served(listening.url, database)
    finally:
        _end(listening._server, thread)
        app.extensions["store"].close()


def _end(waitress: Any, thread: threading.Thread) -> None:
    """waitress ends its loop when it has nothing left to listen to. What it had is closed only when nobody uses it any more: the loop's own
    thread, the threads that send replies, and this one, which wakes the loop through a file of its."""
    left: dict[int, Any] = {}

    def leave() -> None:
        left.update(waitress._map)
        waitress._map.clear()

    waitress.trigger.pull_trigger(leave)
    thread.join(_END_S)
    assert not thread.is_alive()
    for one in left.values():
        if isinstance(one, HTTPChannel):
            one.handle_close()
    waitress.task_dispatcher.shutdown()
    waitress.close()
