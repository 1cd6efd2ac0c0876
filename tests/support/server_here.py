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

from waitress import wasyncore

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
        # waitress ends its loop when nothing is left to listen to, and nothing but that loop's own thread may take it away.
        waitress: Any = listening._server
        waitress.trigger.pull_trigger(lambda: wasyncore.close_all(waitress._map))
        thread.join(_END_S)
        assert not thread.is_alive()
        waitress.task_dispatcher.shutdown()
        app.extensions["store"].close()
