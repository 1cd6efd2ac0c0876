"""From a fleet's file and the command line to what each device does: its kind, its plan, its job."""

from __future__ import annotations

import dataclasses
import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from builder.errors import ZooError
from builder.records import Manifest
from fleet.arrivals import Say
from fleet.browsers import find_named
from fleet.config import DEFAULT_SERVER, Choice
from fleet.devices.command import CommandBrowser
from fleet.devices.device import Device
from fleet.devices.local import local_device
from fleet.devices.remote import cdp_device, grid_device, playwright_device
from fleet.devices.visit import Visitor
from fleet.drive import PATIENCE_S
from fleet.fleet_file import (
    BrowserName,
    CdpDevice,
    CommandDevice,
    DeviceSpec,
    Fleet,
    GridDevice,
    LocalDevice,
    PlaywrightDevice,
    VisitDevice,
    read_fleet,
)
from fleet.plan import DevicePlan, chosen_models, finished_runs, visits
from fleet.records import Job
from fleet.schedule import Assignment
from timings.records import Run

_PERSONS_PATIENCE_S = 1800.0
_LOCAL: tuple[BrowserName, ...] = ("chromium", "firefox", "webkit")
_OF_THE_FILE = ("iterations", "min_time_s", "time_budget_s", "warmup", "end_to_end", "repeat")


@dataclass(frozen=True)
class Hands:
    """What devices are given: a way to speak to the person at the terminal, its encoding, and where unsent runs go."""

    say: Say
    encoding: str
    keep_unsent: Callable[[str], None]


def chosen_fleet(choice: Choice) -> Fleet:
    """The devices that were chosen: of the file, else this machine's browsers. Raises ZooError where there are none."""
    fleet = read_fleet(choice.file) if choice.file else _local_fleet(choice)
    unknown = [name for name in choice.only if name not in {spec.name for spec in fleet.device}]
    if unknown:
        raise ZooError(
            "--only names no device of this fleet",
            got=", ".join(unknown),
            expected=f"one of {', '.join(spec.name for spec in fleet.device)}",
            next_step="correct --only, or leave it out for all of them",
        )
    devices = tuple(spec for spec in fleet.device if not choice.only or spec.name in choice.only)
    return fleet.model_copy(update={"device": devices, "server": choice.job.server or fleet.server or DEFAULT_SERVER})


def assignments(
    fleet: Fleet, choice: Choice, fleet_id: str, manifest: Manifest, arrived: Sequence[Run], hands: Hands
) -> list[Assignment]:
    """What each device does, without what has arrived already. Raises ZooError for a model that the server does not have."""
    return [_assignment(spec, fleet, choice, fleet_id, manifest, arrived, hands) for spec in fleet.device]


def device_of(spec: DeviceSpec, hands: Hands) -> Device:
    """The device that the entry describes."""
    match spec:
        case LocalDevice():
            return local_device(spec, hands.keep_unsent)
        case PlaywrightDevice():
            return playwright_device(spec, hands.keep_unsent)
        case CdpDevice():
            return cdp_device(spec, hands.keep_unsent)
        case GridDevice():
            return grid_device(spec, hands.keep_unsent)
        case CommandDevice():
            return CommandBrowser(spec, hands.say)
        case VisitDevice():
            return Visitor(spec, hands.say, hands.encoding)
        case _:
            assert_never(spec)


def _assignment(
    spec: DeviceSpec,
    fleet: Fleet,
    choice: Choice,
    fleet_id: str,
    manifest: Manifest,
    arrived: Sequence[Run],
    hands: Hands,
) -> Assignment:
    device = device_of(spec, hands)
    job = _job(spec, fleet, choice, fleet_id, device)
    models = chosen_models(choice.job.models or spec.models or fleet.models or (), manifest)
    finished = finished_runs([run for run in arrived if run.device.device_name == spec.name], job)
    mine = visits(models, job, finished, together=device.at_once or job.order is not None)
    over = min(sum(finished.values()), len(models) * len(job.backends) * (job.repeat or 1))
    patience_s = choice.patience_s or spec.run_timeout_s or (_PERSONS_PATIENCE_S if device.at_once else PATIENCE_S)
    plan = DevicePlan(spec.name, spec.kind, device.host, mine, over)
    return Assignment(device, plan, job, spec.timeout_s, patience_s)


def _job(spec: DeviceSpec, fleet: Fleet, choice: Choice, fleet_id: str, device: Device) -> Job:
    """The command line wins over the device's table, and that over the file's top."""
    values: Mapping[str, float | int | None] = {
        name: next(
            (v for v in (getattr(choice.job, name), getattr(spec, name), getattr(fleet, name)) if v is not None), None
        )
        for name in _OF_THE_FILE
    }
    return dataclasses.replace(
        choice.job,
        server=spec.server or fleet.server or DEFAULT_SERVER,
        device_name=spec.name,
        backends=tuple(choice.job.backends or spec.backends or fleet.backends or ("wasm",)),
        timeout_s=choice.job.timeout_s or spec.run_timeout_s,
        fleet_id=fleet_id,
        emulated=device.emulated,
        device_id=_device_id(device),
        report=spec.kind in ("command", "visit"),
        **values,  # type: ignore[arg-type]
    )


def _device_id(device: Device) -> str:
    """The same for the same name, kind and machine: a driven browser's profile is fresh each time, and it would be another device."""
    return str(
        uuid.uuid5(uuid.NAMESPACE_URL, f"browser-zoo:{platform.node()}/{device.host}/{device.kind}/{device.name}")
    )


def _local_fleet(choice: Choice) -> Fleet:
    """One browser of this machine, or all that are found."""
    browsers = [choice.browser] if choice.browser else [name for name in _LOCAL if find_named(name)]
    if not browsers:
        raise ZooError(
            "there is no browser on this machine",
            got="none in the usual places, and none of Playwright's",
            expected="Chromium, Chrome, Edge or Firefox",
            next_step="run: make setup; or describe other devices in a file: python -m fleet init",
        )
    node = platform.node() or "this machine"
    devices = tuple(
        LocalDevice(
            kind="local",
            name=choice.job.device_name or f"{node} {browser}",
            browser=browser,
            swiftshader=choice.swiftshader,
        )
        for browser in browsers
    )
    return Fleet(device=devices)
