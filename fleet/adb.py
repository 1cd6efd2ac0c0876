"""Android phones on a cable, through Google's adb: Chrome's debugging port here, and our server's port there."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from types import TracebackType

from builder.errors import ZooError

_CHROME = "localabstract:chrome_devtools_remote"
_TIMEOUT_S = 30
_LINE = re.compile(r"(?P<serial>\S+)\s+(?P<state>no permissions|\S+)(?P<more>.*)")


@dataclass(frozen=True)
class AndroidDevice:
    """A line of `adb devices -l`. state is "device" when it can be used, else such as "unauthorized" or "offline"; model may be unknown."""

    serial: str
    model: str | None
    state: str


def devices() -> tuple[AndroidDevice, ...]:
    """The phones that adb sees, in whatever state. Raises ZooError if there is no adb, or it does not work."""
    found = []
    for line in _adb("devices", "-l").splitlines():
        match = _LINE.fullmatch(line.strip())
        # Before the list, adb tells with asterisks that it started its own server.
        if match and not line.startswith(("*", "List of devices", "adb server")):
            model = re.search(r"\bmodel:(\S+)", match["more"])
            found.append(AndroidDevice(match["serial"], model[1].replace("_", " ") if model else None, match["state"]))
    return tuple(found)


def choose(serial: str | None = None) -> AndroidDevice:
    """The phone of this serial number, or without one the only phone. Raises ZooError if there is none such that can be used."""
    attached = devices()
    named = [device for device in attached if device.serial == serial] if serial else list(attached)
    if not named:
        raise _absent(serial, attached)
    if len(named) > 1:
        raise ZooError(
            "several phones are attached, and fleet.toml does not say which",
            got=_listed(attached),
            expected="one phone, or its serial number",
            next_step=f'write adb = "{named[0].serial}", or another of them, into fleet.toml',
        )
    if named[0].state != "device":
        raise _unusable(named[0])
    return named[0]


def forward(serial: str, local_port: int = 0) -> int:
    """Let a port of this machine, any free one for 0, lead to Chrome's debugging socket on the phone; the port. Raises ZooError."""
    _see_chrome(serial)
    printed = _adb("-s", serial, "forward", f"tcp:{local_port}", _CHROME).strip()
    return int(printed) if printed.isdecimal() else _port_or_fail(local_port, printed)


def reverse(serial: str, port: int) -> None:
    """Let this port of the phone lead to the same port here: http://127.0.0.1:PORT is a secure context for the phone. Raises ZooError."""
    _adb("-s", serial, "reverse", f"tcp:{port}", f"tcp:{port}")


@dataclass
class AdbForward:
    """Both ways for as long as the `with` lasts; it gives the port of this machine where the phone's Chrome is, for connect_over_cdp.

    serial: None or empty for the only phone. server_port: our server's port on this machine, or None if the phone reaches it some other way.
    Entering raises ZooError; leaving does not, since the phone may have been unplugged.
    """

    serial: str | None = None
    server_port: int | None = None
    local_port: int = 0

    @property
    def endpoint(self) -> str:
        """The phone's Chrome, as connect_over_cdp takes it; once entered."""
        return f"http://127.0.0.1:{self.local_port}"

    def __enter__(self) -> int:
        self.serial = choose(self.serial).serial
        self.local_port = forward(self.serial, self.local_port)
        try:
            if self.server_port is not None:
                reverse(self.serial, self.server_port)
        except ZooError:
            self._remove("forward", self.local_port)
            raise
        return self.local_port

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove("forward", self.local_port)
        if self.server_port is not None:
            self._remove("reverse", self.server_port)

    def _remove(self, way: str, port: int) -> None:
        with contextlib.suppress(ZooError):
            _adb("-s", self.serial or "", way, "--remove", f"tcp:{port}")


def _see_chrome(serial: str) -> None:
    """A forward to a socket that nobody listens at is made all the same, so look first. Only a browser that runs has the socket."""
    sockets = _adb("-s", serial, "shell", "cat", "/proc/net/unix")
    if not re.search(r"@chrome_devtools_remote\s*$", sockets, re.MULTILINE):
        raise ZooError(
            f"Chrome is not running on the phone {serial}",
            got="no socket named chrome_devtools_remote",
            expected="Chrome, started and in front",
            next_step="open Chrome on the phone and keep its screen on; USB debugging must be on in the developer options",
        )


def _port_or_fail(asked: int, printed: str) -> int:
    # adb before 1.0.32 prints nothing, and does not choose a port either.
    if asked and not printed:
        return asked
    raise ZooError(
        "adb did not say which port it forwards",
        got=printed or "nothing",
        expected="a port number",
        next_step="update Google's platform-tools: https://developer.android.com/tools/releases/platform-tools",
    )


def _adb(*arguments: str) -> str:
    program = shutil.which("adb")
    if program is None:
        raise ZooError(
            "there is no adb on this machine",
            got="no adb on PATH",
            expected="Android's platform-tools",
            next_step="install them: apt install adb, brew install android-platform-tools, or from developer.android.com",
        )
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(
            arguments,
            f"no answer within {_TIMEOUT_S} s" if isinstance(error, subprocess.TimeoutExpired) else str(error),
        ) from error
    if done.returncode:
        raise _failed(arguments, (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}"))
    return done.stdout


def _failed(arguments: tuple[str, ...], said: str) -> ZooError:
    return ZooError(
        f"adb {' '.join(arguments)} failed",
        got=said.splitlines()[-1],
        expected="exit status 0",
        next_step="see that the cable is in and the phone answers: adb devices; adb kill-server starts adb afresh",
    )


def _absent(serial: str | None, attached: tuple[AndroidDevice, ...]) -> ZooError:
    return ZooError(
        f"the phone {serial} is not attached" if serial else "no phone is attached",
        got=_listed(attached) or "adb sees none",
        expected=f"the serial number {serial}" if serial else "an Android phone on a cable, with USB debugging on",
        next_step="attach it with a cable that carries data, switch on USB debugging in the developer options, and run: adb devices",
    )


def _unusable(device: AndroidDevice) -> ZooError:
    next_steps = {
        "unauthorized": "unlock the phone and accept the question on its screen (allow USB debugging)",
        "authorizing": "unlock the phone and accept the question on its screen (allow USB debugging)",
        "offline": "pull the cable and put it in again; if it stays so: adb kill-server",
        "no permissions": "let your account use the device: on Debian, apt install android-sdk-platform-tools-common, and attach it anew",
    }
    return ZooError(
        f"the phone {device.serial} cannot be used",
        got=f"adb calls it {device.state}",
        expected='the state "device"',
        next_step=next_steps.get(device.state, "start the phone as usual, and run: adb devices"),
    )


def _listed(attached: tuple[AndroidDevice, ...]) -> str:
    return ", ".join(f"{each.serial} ({each.model or 'model unknown'}, {each.state})" for each in attached)
