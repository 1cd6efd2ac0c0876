"""What adb is asked for a phone on a cable, and what its answers mean. adb itself is scripted: there is no phone where tests run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import ZooError
from fleet.adb import AdbForward, AndroidDevice, choose, devices, forward, reverse

LIST = "List of devices attached\n"
PIXEL = "8A1X0ABC               device usb:1-1 product:panther model:Pixel_7 device:panther transport_id:1\n"
GALAXY = "R58M123                device usb:1-2 product:x model:SM_G991B device:o1s transport_id:2\n"
SOCKETS = "0000000000000000: 00000002 00000000 00010000 0001 01 29563 @{}\n"
CHROME = SOCKETS.format("chrome_devtools_remote")

# Answers as a table from the arguments to [exit status, standard output, standard error]; every call is written down.
_ADB = """#!{python}
import json, pathlib, sys
here = pathlib.Path({here!r})
arguments = " ".join(sys.argv[1:])
with (here / "asked").open("a") as asked:
    asked.write(arguments + "\\n")
answers = json.loads((here / "answers.json").read_text())
status, out, err = answers.get(arguments, [1, "", "adb: unknown command " + arguments])
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""

Answers = dict[str, tuple[int, str, str]]
Phone = Callable[[Answers], Callable[[], list[str]]]


@pytest.fixture
def adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Phone:
    """Puts an adb with these answers on PATH; what it gives back tells what was asked."""
    program = tmp_path / "adb"
    program.write_text(_ADB.format(python=sys.executable, here=str(tmp_path)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    def script(answers: Answers) -> Callable[[], list[str]]:
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        return lambda: (tmp_path / "asked").read_text().splitlines()

    return script


def attached(*lines: str) -> Answers:
    return {"devices -l": (0, LIST + "".join(lines) + "\n", "")}


def with_chrome(serial: str) -> Answers:
    return {f"-s {serial} shell cat /proc/net/unix": (0, SOCKETS.format("jdwp-control") + CHROME, "")}


def test_devices_have_serial_model_and_state(adb: Phone) -> None:
    started = "* daemon not running; starting now at tcp:5037\n* daemon started successfully\n"
    lines = (
        PIXEL,
        GALAXY.replace("device usb", "unauthorized usb").replace("model:SM_G991B ", ""),
        "emulator-5554          offline\n",
        "0123456789             no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html] usb:1-3\n",
    )
    adb({"devices -l": (0, started + LIST + "".join(lines) + "\n", "")})
    assert devices() == (
        AndroidDevice("8A1X0ABC", "Pixel 7", "device"),
        AndroidDevice("R58M123", None, "unauthorized"),
        AndroidDevice("emulator-5554", None, "offline"),
        AndroidDevice("0123456789", None, "no permissions"),
    )


def test_both_ways_are_there_inside_and_gone_afterwards(adb: Phone) -> None:
    asked = adb(
        {
            **attached(PIXEL),
            **with_chrome("8A1X0ABC"),
            "-s 8A1X0ABC forward tcp:0 localabstract:chrome_devtools_remote": (0, "40123\n", ""),
            "-s 8A1X0ABC reverse tcp:8000 tcp:8000": (0, "8000\n", ""),
            "-s 8A1X0ABC forward --remove tcp:40123": (0, "", ""),
            "-s 8A1X0ABC reverse --remove tcp:8000": (0, "", ""),
        }
    )
    with (way := AdbForward(server_port=8000)) as port:
        assert port == 40123
        assert way.endpoint == "http://127.0.0.1:40123"
        assert not [line for line in asked() if "--remove" in line]
    assert asked()[-2:] == ["-s 8A1X0ABC forward --remove tcp:40123", "-s 8A1X0ABC reverse --remove tcp:8000"]


def test_what_was_forwarded_is_removed_when_the_way_back_fails(adb: Phone) -> None:
    asked = adb(
        {
            **attached(PIXEL),
            **with_chrome("8A1X0ABC"),
            "-s 8A1X0ABC forward tcp:0 localabstract:chrome_devtools_remote": (0, "40123\n", ""),
            "-s 8A1X0ABC reverse tcp:8000 tcp:8000": (1, "", "error: more than one device/emulator\n"),
        }
    )
    with pytest.raises(ZooError, match="reverse tcp:8000 tcp:8000 failed") as raised, AdbForward(server_port=8000):
        pass
    assert raised.value.got == "error: more than one device/emulator"
    assert asked()[-1] == "-s 8A1X0ABC forward --remove tcp:40123"


def test_a_phone_that_is_unplugged_meanwhile_does_not_hide_what_happened(adb: Phone) -> None:
    ways = {"-s 8A1X0ABC forward tcp:0 localabstract:chrome_devtools_remote": (0, "40123\n", "")}
    asked = adb({**attached(PIXEL), **with_chrome("8A1X0ABC"), **ways})
    with pytest.raises(RuntimeError, match="the run"), AdbForward("8A1X0ABC"):
        raise RuntimeError("the run")
    assert asked()[-1] == "-s 8A1X0ABC forward --remove tcp:40123"


def test_a_phone_is_chosen_by_its_serial_number(adb: Phone) -> None:
    adb(attached(PIXEL, GALAXY))
    assert choose("R58M123") == AndroidDevice("R58M123", "SM G991B", "device")


def test_a_port_can_be_chosen(adb: Phone) -> None:
    asked = adb(
        {
            **with_chrome("R58M123"),
            "-s R58M123 forward tcp:9222 localabstract:chrome_devtools_remote": (0, "", ""),
            "-s R58M123 reverse tcp:8443 tcp:8443": (0, "", ""),
        }
    )
    assert forward("R58M123", 9222) == 9222
    reverse("R58M123", 8443)
    assert asked()[-1] == "-s R58M123 reverse tcp:8443 tcp:8443"


def test_without_adb_it_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ZooError, match="there is no adb on this machine") as raised:
        devices()
    assert "apt install adb" in raised.value.next_step


@pytest.mark.parametrize(
    ("serial", "lines", "what", "got", "next_step"),
    [
        (None, (), "no phone is attached", "adb sees none", "USB debugging"),
        ("XYZ", (PIXEL,), "the phone XYZ is not attached", "8A1X0ABC (Pixel 7, device)", "adb devices"),
        (
            None,
            (PIXEL, GALAXY),
            "several phones are attached, and fleet.toml does not say which",
            "8A1X0ABC (Pixel 7, device), R58M123 (SM G991B, device)",
            'adb = "8A1X0ABC"',
        ),
        (
            None,
            ("R58M123 unauthorized usb:1-2\n",),
            "the phone R58M123 cannot be used",
            "adb calls it unauthorized",
            "accept the question on its screen",
        ),
        (None, ("R58M123 offline\n",), "the phone R58M123 cannot be used", "adb calls it offline", "kill-server"),
        (
            None,
            ("R58M123 no permissions (missing udev rules?); see [x] usb:1-2\n",),
            "the phone R58M123 cannot be used",
            "adb calls it no permissions",
            "android-sdk-platform-tools-common",
        ),
        (None, ("R58M123 recovery\n",), "the phone R58M123 cannot be used", "adb calls it recovery", "start the phone"),
    ],
)
def test_a_phone_that_cannot_be_used_is_one_message(
    adb: Phone, serial: str | None, lines: tuple[str, ...], what: str, got: str, next_step: str
) -> None:
    adb(attached(*lines))
    with pytest.raises(ZooError) as raised:
        choose(serial)
    assert (raised.value.what, raised.value.got) == (what, got)
    assert next_step in raised.value.next_step


@pytest.mark.parametrize(
    "sockets", ["", SOCKETS.format("webview_devtools_remote_912"), SOCKETS.format("chrome_devtools_remote_77")]
)
def test_a_chrome_that_does_not_run_is_seen_before_forwarding(adb: Phone, sockets: str) -> None:
    asked = adb({**attached(PIXEL), "-s 8A1X0ABC shell cat /proc/net/unix": (0, sockets, "")})
    with pytest.raises(ZooError, match="Chrome is not running on the phone 8A1X0ABC"), AdbForward():
        pass
    assert not [line for line in asked() if "forward" in line]


def test_what_adb_complains_of_is_passed_on(adb: Phone) -> None:
    adb({"devices -l": (1, "", "* daemon not running\nADB server didn't ACK\nerror: cannot connect to daemon\n")})
    with pytest.raises(ZooError, match="adb devices -l failed") as raised:
        devices()
    assert raised.value.got == "error: cannot connect to daemon"


def test_an_adb_that_does_not_say_its_port_is_an_error(adb: Phone) -> None:
    way = {"-s R58M123 forward tcp:0 localabstract:chrome_devtools_remote": (0, "", "")}
    adb({**with_chrome("R58M123"), **way})
    with pytest.raises(ZooError, match="did not say which port"):
        forward("R58M123")
