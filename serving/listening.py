"""Waitress, set up so that what it answers by itself looks like what the application answers."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import MultiSocketServer, TcpWSGIServer, create_server
from waitress.task import ErrorTask

from builder.errors import ZooError
from serving.replies import SECURITY_HEADERS, error_content

_THREADS = 8
# The application answers bodies over its own limit, with an explanation. From here on even receiving them is refused.
_BODY_MOST_BYTES = 64 << 20
# A browser loads a page through six connections at once and keeps them. Over waitress's own limit of 100 the next device is let in when others
# are closed: of 200 devices some waited 26 s for an upload.
_CONNECTIONS = 2000
_CONNECTIONS_OF_WINDOWS = 400
# What answering takes beside them: the database's files, and those that are sent.
_OTHER_FILES = 100
# Waitress looks at every open connection whenever something happens on one of them, and six for each of 200 devices are 1200, most of
# them idle. So those on which nothing is under way are closed after this time, and not after two minutes as those that stall.
_IDLE_S = 5
_LOOK_FOR_IDLE_S = 1


class _JsonErrorTask(ErrorTask):  # type: ignore[misc] # waitress has no types
    """What waitress refuses before the application sees it: no HTTP, headers too long, a body without end."""

    def execute(self) -> None:
        error = self.request.error
        body = json.dumps(
            error_content(
                ZooError(
                    "the request cannot be read",
                    got=f"{error.reason}: {error.body}",
                    expected="an HTTP/1.1 request, its headers under 256 KiB, its body under 2 MB",
                    next_step="mend the program that sent it",
                )
            )
        ).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend([*SECURITY_HEADERS.items(), ("Content-Type", "application/json")])
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    error_task_class = _JsonErrorTask


def _close_idle(listener: TcpWSGIServer, close_stalled: Callable[[float], None], now: float) -> None:
    """What waitress does from time to time, and more. Between two requests, so that a slow one has its time."""
    close_stalled(now)
    for channel in listener.active_channels.values():
        between = channel.request is None and not channel.requests and not channel.total_outbufs_len
        if between and channel.last_activity < now - _IDLE_S:
            channel.will_close = True


class Listening:
    """A server that has its port, and answers once `run` is called."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        """Take the port; 0 is any free one. Raises ZooError if that cannot be done."""
        try:
            server = create_server(
                app,
                host=host,
                port=port,
                threads=_THREADS,
                connection_limit=_connection_limit(),
                cleanup_interval=_LOOK_FOR_IDLE_S,
                # select, which waitress takes otherwise, fails from the 1024th file on.
                asyncore_use_poll=True,
                ident=None,
                max_request_body_size=_BODY_MOST_BYTES,
            )
        except (OSError, ValueError) as error:
            raise ZooError(
                f"cannot listen on {host} port {port}",
                got=getattr(error, "strerror", None) or str(error),
                expected="an address of this machine, and a port that is free and that this user may take",
                next_step="stop the program that has the port, or choose another one with --port (0: any free one)",
            ) from error
        self._server: Any = server
        listeners: Iterable[Any] = server.map.values() if isinstance(server, MultiSocketServer) else [server]
        for listener in listeners:
            if isinstance(listener, TcpWSGIServer):
                listener.channel_class = _Channel
                listener.maintenance = functools.partial(_close_idle, listener, listener.maintenance)
        host_now, port_now = getattr(server, "effective_listen", [(None, None)])[0]
        shown = host_now or server.effective_host
        self.url = f"http://{f'[{shown}]' if ':' in shown else shown}:{port_now or server.effective_port}"

    def run(self) -> None:
        """Answer until a signal raises SystemExit or KeyboardInterrupt; then finish the replies under way."""
        self._server.run()


def _connection_limit() -> int:
    """How many connections may be open at once. So many files may then be open in this process, where the system lets it choose."""
    # Windows has no poll, and its select takes 512.
    if sys.platform == "win32":
        return _CONNECTIONS_OF_WINDOWS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted - _OTHER_FILES
