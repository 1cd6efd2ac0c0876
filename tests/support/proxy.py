"""A network between browser and server that a test can break: bytes lost, bytes changed, requests that never arrive."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """A reply on its way. `announced` is the length that its header tells, `body` what is sent before the connection is closed; `then`
    is waited for in between."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    announced: int
    then: threading.Event | None = None

    def with_body(self, body: bytes) -> Answer:
        """The same reply with another content, rightly announced, and not packed."""
        headers = tuple(pair for pair in self.headers if pair[0].lower() != "content-encoding")
        return replace(self, headers=headers, body=body, announced=len(body))

    def cut(self, keep: int) -> Answer:
        """The same reply, broken off after `keep` bytes."""
        return replace(self, body=self.body[:keep])

    def stuck(self, keep: int, until: threading.Event) -> Answer:
        """The same reply, of which no more than `keep` bytes come until something else happens."""
        return replace(self, body=self.body[:keep], then=until)


Tamper = Callable[[Answer], Answer | None]
"""Changes a reply, or returns None to close the connection without one."""


@dataclass
class Network:
    """`url` is the address for browsers, also as an HTTP proxy that stands in for any host. `faults` maps the beginning of a path to what happens to replies from there."""

    url: str = ""
    faults: dict[str, Tamper] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def fault_for(self, path: str) -> Tamper | None:
        return next((tamper for start, tamper in self.faults.items() if path.startswith(start)), None)


def unreachable(_: Answer) -> None:
    """A fault: the reply never comes."""


@contextlib.contextmanager
def network_to(server: str) -> Iterator[Network]:
    """A network to this server, on a port of its own, until the end of the block."""
    network = Network()
    upstream = urlsplit(server)
    assert upstream.hostname

    class Handler(BaseHTTPRequestHandler):
        """Forwards one request. Connections are closed after each, so that a broken one is noticed at once."""

        def do_GET(self) -> None:
            self._forward(None)

        def do_POST(self) -> None:
            self._forward(self.rfile.read(int(self.headers["Content-Length"])))

        def _forward(self, body: bytes | None) -> None:
            # A browser that uses this as its proxy asks for whole addresses.
            asked = urlsplit(self.path)
            path = asked.path + (f"?{asked.query}" if asked.query else "")
            network.requests.append(f"{self.command} {path}")
            sent = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            with contextlib.closing(http.client.HTTPConnection(str(upstream.hostname), upstream.port)) as connection:
                connection.request(self.command, path, body, sent)
                reply = connection.getresponse()
                content = reply.read()
            dropped = {"connection", "content-length", "transfer-encoding"}
            headers = tuple(pair for pair in reply.getheaders() if pair[0].lower() not in dropped)
            answer: Answer | None = Answer(reply.status, headers, content, len(content))
            tamper = network.fault_for(path)
            if tamper is not None and answer is not None:
                answer = tamper(answer)
            self.close_connection = True
            if answer is not None:
                self._send(answer)

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(answer.announced))
            self.send_header("Connection", "close")
            self.end_headers()
            # A page that was closed, or a worker that was stopped, no longer listens.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(answer.body)
                self.wfile.flush()
            if answer.then:
                answer.then.wait(120)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the tests look at `requests`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        network.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield network
        finally:
            listening.shutdown()
            thread.join()
