"""Devices of their own on one machine: network namespaces with an address each, joined by a bridge in one more of them."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

# Nothing of this is seen outside the namespaces, so any network will do.
_NETWORK = "10.77.0"
_BRIDGE = "bridge"
_COUNT = itertools.count()
# A proxy of this machine's, if it has one, is outside.
WITHOUT_PROXY = {name: "" for name in os.environ if name.lower().endswith("_proxy")}


class NoNamespacesError(Exception):
    """They cannot be made here; the message says why, in one line."""


@dataclass(frozen=True)
class Namespace:
    """A device of its own in the network: whatever runs inside it has this address and no other but loopback."""

    name: str
    address: str

    @property
    def inside(self) -> tuple[str, ...]:
        """What comes before a command that is to run in it. The command takes this one's place, so its process id is the command's."""
        return ("ip", "netns", "exec", self.name)


@dataclass(frozen=True)
class Network:
    """hub: reaches all devices, and holds the bridge."""

    hub: Namespace
    devices: tuple[Namespace, ...]

    @contextlib.contextmanager
    def cut(self, device: Namespace) -> Iterator[None]:
        """As if its cable were pulled until the end of the block: nothing arrives any more, and nobody is told."""
        _ip("-n", self.hub.name, "link", "set", self._port(device), "down")
        # Else packets are sent for half a minute to where it was, and only then it counts as out of reach.
        _ip("-n", self.hub.name, "neighbour", "flush", "dev", _BRIDGE)
        try:
            yield
        finally:
            _ip("-n", self.hub.name, "link", "set", self._port(device), "up")

    def _port(self, device: Namespace) -> str:
        return f"port{self.devices.index(device)}"


@contextlib.contextmanager
def network(devices: int) -> Iterator[Network]:
    """So many devices; afterwards nothing of them is left. Raises NoNamespacesError where they cannot be made."""
    if shutil.which("ip") is None:
        raise NoNamespacesError("there is no ip command (Debian: iproute2)")
    prefix = f"zoo-{os.getpid()}-{next(_COUNT)}"
    hub = Namespace(f"{prefix}-hub", f"{_NETWORK}.1")
    others = tuple(Namespace(f"{prefix}-{i}", f"{_NETWORK}.{10 + i}") for i in range(devices))
    with contextlib.ExitStack() as stack:
        try:
            _add(hub, stack)
            _ip("-n", hub.name, "link", "add", _BRIDGE, "type", "bridge")
            _up(hub, _BRIDGE)
            subprocess.run([*hub.inside, "true"], check=True, capture_output=True, timeout=20)
            for i, device in enumerate(others):
                _add(device, stack)
                _ip("-n", hub.name, "link", "add", f"port{i}", "type", "veth", "peer", "net", "netns", device.name)
                _ip("-n", hub.name, "link", "set", f"port{i}", "master", _BRIDGE, "up")
                _up(device, "net")
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip().splitlines() or [f"status {error.returncode}"]
            raise NoNamespacesError(f"network namespaces cannot be made here: {said[0]}") from error
        yield Network(hub, others)


def _add(namespace: Namespace, stack: contextlib.ExitStack) -> None:
    _ip("netns", "add", namespace.name)
    # Its links go with it, and with a veth's one end the other.
    stack.callback(_ip, "netns", "delete", namespace.name)


def _up(namespace: Namespace, link: str) -> None:
    _ip("-n", namespace.name, "link", "set", "lo", "up")
    _ip("-n", namespace.name, "address", "add", f"{namespace.address}/24", "dev", link)
    _ip("-n", namespace.name, "link", "set", link, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)
