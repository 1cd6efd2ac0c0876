"""What the addresses of GET /api/runs and GET /api/progress ask for, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from builder.errors import ZooError
from serving.replies import Refusal

LATEST_MOST = 10_000
_PARAMETERS = ("device_id", "device_name", "fleet_id", "latest", "model")
_TEXT_MOST = 200
_FROM_A_FLEET = "take it from /api/fleets"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class RunQuery:
    """Which runs are wanted. None leaves a matter open; `latest` wants so many of the newest."""

    device_id: str | None = None
    device_name: str | None = None
    model: str | None = None
    fleet_id: str | None = None
    latest: int | None = None


def run_query(parameters: Mapping[str, str]) -> RunQuery:
    """Raises Refusal 400 for a parameter that is not known, or whose value cannot be one."""
    _check_known(parameters, _PARAMETERS, "leave it out: runs are told apart by what is in them")
    device_id = _uuid(parameters, "device_id", "take it from a run: device.device_id")
    fleet_id = _uuid(parameters, "fleet_id", _FROM_A_FLEET)
    for name in ("device_name", "model"):
        if not 0 < len(parameters.get(name, "x")) <= _TEXT_MOST:
            raise _refused(
                f"{name} of {len(parameters[name])} characters", f"1 to {_TEXT_MOST} characters", "take it from a run"
            )
    return RunQuery(device_id, parameters.get("device_name"), parameters.get("model"), fleet_id, _latest(parameters))


def progress_query(parameters: Mapping[str, str]) -> str | None:
    """The fleet whose pages are wanted, or None for all. Raises Refusal 400 as run_query does."""
    _check_known(parameters, ("fleet_id",), "leave it out")
    return _uuid(parameters, "fleet_id", _FROM_A_FLEET)


def _check_known(parameters: Mapping[str, str], known: tuple[str, ...], advice: str) -> None:
    unknown = sorted(parameters.keys() - set(known))
    if unknown:
        raise _refused(f"the parameter {unknown[0]}", f"{', '.join(known)}, or no parameter", advice)


def _uuid(parameters: Mapping[str, str], name: str, advice: str) -> str | None:
    value = parameters.get(name)
    if value is not None and not _UUID.fullmatch(value):
        raise _refused(f"{name}={value[:_TEXT_MOST]}", "a UUID in lower case", advice)
    return value


def _latest(parameters: Mapping[str, str]) -> int | None:
    text = parameters.get("latest")
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= LATEST_MOST:
        return int(text)
    raise _refused(
        f"latest={text[:_TEXT_MOST]}", f"a whole number from 1 to {LATEST_MOST}", "leave it out for all runs"
    )


def _refused(got: str, expected: str, next_step: str) -> Refusal:
    return Refusal(
        400, ZooError("the address asks for something unknown", got=got, expected=expected, next_step=next_step)
    )
