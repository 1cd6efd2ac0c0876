"""Why a Playwright server could not be used: each way in which BrowserType.connect fails, as one message that says what to do."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from builder.errors import ZooError

PLAYWRIGHT_VERSION = importlib.metadata.version("playwright")
_SERVER = re.compile(r"server version: v(\d+\.\d+)")
_CLIENT = re.compile(r"client version: v(\d+\.\d+)")


def release(version: str) -> str:
    """The major and the minor part of a version: client and server must agree in these."""
    return ".".join(version.split(".")[:2])


def public_part(endpoint: str) -> str:
    """An endpoint as it may be shown to others: without its path, its query and whoever's name is in it, since these are the secret."""
    try:
        parts = urlsplit(endpoint)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    if not parts.hostname:
        return "an address without a host"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def explain_connect_error(message: str, endpoint: str) -> ZooError:
    """What `BrowserType.connect(endpoint)` raised, in the words of this project; the endpoint's secret is in none of them."""
    where = public_part(endpoint)
    if not re.match(r"(ws|wss|http|https)://[^/]", endpoint) or where.startswith("an address"):
        return ZooError(
            "this is not the endpoint of a Playwright server",
            got=where,
            expected="ws://HOST:PORT/SECRET, as python -m fleet agent prints it",
            next_step="copy the endpoint as a whole from the device's terminal into fleet.toml",
        )
    # The call log below the first line says the same once more; the version message is in the lines before it.
    said = message.partition("Call log:")[0].replace(endpoint, where)
    for pattern, explain in _KNOWN:
        if re.search(pattern, said):
            return explain(where, said)
    return ZooError(
        f"{where} did not let Playwright drive a browser",
        got=_first_line(said),
        expected="a Playwright server that answers",
        next_step="see what the agent printed on that device, and start it anew: python -m fleet agent",
    )


def _refused(where: str, said: str) -> ZooError:
    return ZooError(
        f"nothing listens at {where}",
        got="the connection was refused",
        expected="a Playwright server",
        next_step="start it on that device: python -m fleet agent --host ADDRESS; each start prints a new endpoint for fleet.toml",
    )


def _unreachable(where: str, said: str) -> ZooError:
    return ZooError(
        f"{where} cannot be reached",
        got="no answer in time" if "imeout" in said else _first_line(said),
        expected="an answer from the device",
        next_step="see that it is on, in the same network, that its firewall lets this port in, and that the agent was started with --host",
    )


def _unknown_name(where: str, said: str) -> ZooError:
    return ZooError(
        f"{where}: there is no host of this name",
        got=_first_line(said),
        expected="a name that this machine can look up, or an address",
        next_step="write the device's address, such as ws://192.168.1.20:9331/..., into fleet.toml",
    )


def _wrong_path(where: str, said: str) -> ZooError:
    return ZooError(
        f"{where} does not know the path of this endpoint",
        got=_first_line(said),
        expected="the path that the agent printed when it was last started",
        next_step="copy the endpoint anew from the device's terminal: each start of the agent makes a new path",
    )


def _not_let_in(where: str, said: str) -> ZooError:
    return ZooError(
        f"{where} asks for a permission that it was not given",
        got=_first_line(said),
        expected="an endpoint, or headers, with a valid key",
        next_step="see the service's own documents for the endpoint with your key in it, or for the headers to put into fleet.toml",
    )


def _other_version(where: str, said: str) -> ZooError:
    server, client = _SERVER.search(said), _CLIENT.search(said)
    here = client[1] if client else release(PLAYWRIGHT_VERSION)
    there = server[1] if server else "another"
    return ZooError(
        f"{where} has another version of Playwright than this machine",
        got=f"{there} there, {here} here",
        expected=f"{here} on both: every {here}.x works with every other {here}.x, and with nothing else",
        next_step=f'on that device: python -m pip install "playwright=={PLAYWRIGHT_VERSION}", and start the agent anew',
    )


def _restarting(where: str, said: str) -> ZooError:
    return ZooError(
        f"the agent at {where} has no browser just now",
        got=_first_line(said),
        expected="a browser that is ready",
        next_step="its browser has ended and is being started again: try again in some seconds, and see the device's terminal if it stays so",
    )


def _other_protocol(where: str, said: str) -> ZooError:
    return ZooError(
        f"{where} is not a Playwright server",
        got=_first_line(said),
        expected="a WebSocket: ws:// for our agent, wss:// for a service behind TLS",
        next_step="compare scheme, host and port with what the agent printed",
    )


def _other_browser(where: str, said: str) -> ZooError:
    lends = re.search(r"This agent lends (\w+), not (\w+)", said)
    kind, asked = (lends[1], lends[2]) if lends else ("another browser", "this one")
    return ZooError(
        f"the agent at {where} lends {kind}, not {asked}",
        got=asked,
        expected=kind,
        next_step=f'write browser = "{kind}" into fleet.toml, or start the agent with --browser {asked} on that device',
    )


def _no_browser(where: str, said: str) -> ZooError:
    """Playwright's client waits in vain when a server that starts browsers has none of this kind (seen with 1.62.0)."""
    return ZooError(
        f"the Playwright server at {where} gave no browser",
        got="a connection, and then nothing in time",
        expected="a browser of the kind that fleet.toml names",
        next_step="see that this kind is installed there (python -m playwright install), or lend what is there: python -m fleet agent",
    )


# The first that matches is taken.
_KNOWN: tuple[tuple[str, Callable[[str, str], ZooError]], ...] = (
    (r"\b428\b|version mismatch", _other_version),
    (r"ECONNREFUSED", _refused),
    (r"ENOTFOUND|EAI_AGAIN", _unknown_name),
    (r"EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|Timeout \d+", _unreachable),
    (r" (400 Bad Request|404 )", _wrong_path),
    (r" (401|403|407) ", _not_let_in),
    (r" (502|503|504) ", _restarting),
    (r" 409 ", _other_browser),
    (r"Connection timed out", _no_browser),
    (
        r"EPROTO|wrong version number|Parse Error|socket hang up|ECONNRESET|ENOENT|Invalid URL| 2\d\d | 3\d\d |invalid",
        _other_protocol,
    ),
)


def _first_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    text = re.sub(r"^BrowserType\.connect: (WebSocket error: )?", "", lines[0]) if lines else "nothing"
    # OpenSSL's messages carry an address and a place in its sources.
    return re.sub(r":error:[0-9A-F]+:|:\.\./\S+", " ", text).strip()
