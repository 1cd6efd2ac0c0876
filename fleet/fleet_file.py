"""fleet.toml: parsed strictly, once, into frozen records. Its JSON Schema is made from them (docs/fleet.schema.json)."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from builder.errors import ZooError
from builder.records import Record

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Names = Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=100)], ...], Field(strict=False)]
BrowserName = Literal["chromium", "chrome", "edge", "firefox", "webkit"]
Engine = Literal["chromium", "firefox", "webkit"]


def _plain_address(text: str) -> str:
    return _with_scheme(text, ("http", "https"), bare=True)


def _with_scheme(text: str, schemes: tuple[str, ...], *, bare: bool = False) -> str:
    parts = urlsplit(text)
    choices = " or ".join(f"{scheme}://" for scheme in schemes)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"an address that begins with {choices} was expected")
    if bare and (parts.path.strip("/") or parts.query):
        raise ValueError("an address without a path was expected, such as http://127.0.0.1:8000")
    return f"{parts.scheme}://{parts.netloc}" if bare else text


Server = Annotated[str, AfterValidator(_plain_address)]
WebSocket = Annotated[str, AfterValidator(lambda text: _with_scheme(text, ("ws", "wss")))]
Debugging = Annotated[str, AfterValidator(lambda text: _with_scheme(text, ("http", "https", "ws", "wss")))]
Hub = Annotated[str, AfterValidator(lambda text: _with_scheme(text, ("http", "https")))]
Whole = Annotated[int, Field(ge=0, le=1000)]


class Plan(Record):
    """What is measured. What is not given is the page's own choice. For models and backends: their names; "all" as the only model."""

    models: Names | None = None
    backends: Names | None = None
    iterations: Annotated[int, Field(ge=1, le=10_000)] | None = None
    min_time_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    time_budget_s: Seconds | None = None
    warmup: Whole | None = None
    end_to_end: Whole | None = None
    repeat: Annotated[int, Field(ge=1, le=100)] | None = None


class _Device(Plan):
    """name: in the results. host: devices of one host never run at the same time. server: where this device reaches the server.

    timeout_s: for all its runs together. run_timeout_s: the longest silence.
    """

    name: Name
    host: Name | None = None
    server: Server | None = None
    timeout_s: Seconds | None = None
    run_timeout_s: Seconds | None = None


class Network(Record):
    """A slower network than the device's own. Chromium only."""

    download_mbps: Annotated[float, Field(gt=0, le=100_000)]
    upload_mbps: Annotated[float, Field(gt=0, le=100_000)]
    latency_ms: Annotated[float, Field(ge=0, le=60_000)] = 0.0


class LocalDevice(_Device):
    """A browser of this machine. version: what its version must begin with. emulate: one of Playwright's device descriptors."""

    kind: Literal["local"]
    browser: BrowserName
    executable: Name | None = None
    version: Name | None = None
    emulate: Name | None = None
    cpu_slowdown: Annotated[float, Field(gt=1, le=100)] | None = None
    network: Network | None = None
    headed: bool = False
    swiftshader: bool = False

    @model_validator(mode="after")
    def _has_what_it_asks_for(self) -> LocalDevice:
        for key in ("cpu_slowdown", "network", "swiftshader"):
            if getattr(self, key) and self.browser in ("firefox", "webkit"):
                raise ValueError(f"{key}: only chromium, chrome and edge have it, and browser is {self.browser}")
        return self


class PlaywrightDevice(_Device):
    """A Playwright server elsewhere (python -m fleet agent), or a vendor's endpoint. headers go with the connection."""

    kind: Literal["playwright"]
    browser: Engine = "chromium"
    endpoint: WebSocket
    version: Name | None = None
    headers: dict[str, str] = Field(default_factory=dict)


class CdpDevice(_Device):
    """A Chrome with a debugging port: its address, or the serial number of an Android device on a cable ("": the only one)."""

    kind: Literal["cdp"]
    endpoint: Debugging | None = None
    adb: Annotated[str, StringConstraints(max_length=200)] | None = None
    version: Name | None = None

    @model_validator(mode="after")
    def _has_one_way_in(self) -> CdpDevice:
        if (self.endpoint is None) == (self.adb is None):
            raise ValueError("either endpoint or adb was expected, and not both")
        return self


class GridDevice(_Device):
    """A Selenium Grid 4 hub, through Playwright's own support of it. Chromium only, as Playwright has it."""

    kind: Literal["grid"]
    hub: Hub
    capabilities: dict[str, Any] = Field(default_factory=dict)
    version: Name | None = None


class CommandDevice(_Device):
    """Any browser that starts with an address: {url} in argv stands for it."""

    kind: Literal["command"]
    argv: Annotated[tuple[Annotated[str, StringConstraints(max_length=4000)], ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _opens_the_page(self) -> CommandDevice:
        if not any("{url}" in part for part in self.argv):
            raise ValueError("argv: one part with {url} in it was expected, where the page's address goes")
        return self


class VisitDevice(_Device):
    """A person opens the address on a device of theirs."""

    kind: Literal["visit"]


DeviceSpec = Annotated[
    LocalDevice | PlaywrightDevice | CdpDevice | GridDevice | CommandDevice | VisitDevice, Field(discriminator="kind")
]


class Fleet(Plan):
    """The file: what all devices measure, and the devices. server: the address that the server prints."""

    server: Server | None = None
    device: Annotated[tuple[DeviceSpec, ...], Field(strict=False, min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _names_are_different(self) -> Fleet:
        twice = [name for name, times in Counter(one.name for one in self.device).items() if times > 1]
        if twice:
            raise ValueError(
                f"device: two have the name {twice[0]!r}; each needs its own, by which its results are told apart"
            )
        return self


def read_fleet(path: Path) -> Fleet:
    """The fleet that the file describes. Raises ZooError, naming the file, the table, the key and the choices, if it is not one."""
    try:
        content = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error), "a fleet.toml", "run: python -m fleet init") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unreadable(
            path, str(error), "TOML in UTF-8", "mend that line; python -m fleet init writes a right file"
        ) from error
    try:
        return Fleet.model_validate(content)
    except ValidationError as error:
        got = "; ".join(_in_words(item, content) for item in _worth_telling(error)[:8])
        raise _unreadable(path, got, "the tables and keys of docs/fleet.schema.json", "mend what is named") from error


def fleet_schema() -> str:
    """docs/fleet.schema.json: draft 2020-12, the same bytes every time."""
    schema = Fleet.model_json_schema()
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _worth_telling(error: ValidationError) -> list[Any]:
    """The file's own keys first. That no device is left after the wrong ones is no news."""
    items: list[Any] = list(error.errors(include_url=False))
    if len(items) > 1:
        items = [item for item in items if (item["type"], item["loc"]) != ("too_short", ("device",))]
    return sorted(items, key=lambda item: len(item["loc"]) > 1)


def _in_words(item: Any, content: dict[str, Any]) -> str:
    """One thing that is off: the table (by its number and its name), the key, what was expected."""
    where = list(item["loc"])
    table, tag = "the file's top", ""
    if len(where) > 1 and where[0] == "device" and isinstance(where[1], int):
        entry = content["device"][where[1]]
        name = entry.get("name") if isinstance(entry, dict) else None
        table = f"[[device]] {where[1] + 1}" + (f" ({name})" if isinstance(name, str) else "")
        tag = entry.get("kind", "") if isinstance(entry, dict) else ""
        where = where[2:]
        if where and where[0] == tag:
            where = where[1:]
    key = ".".join(str(part) for part in where)
    return f"{table}: " + (f"{key}: " if key else "") + _complaint(item, bool(tag), tag, key)


_KIND = "kind must be one of local, playwright, cdp, grid, command, visit"


def _complaint(item: Any, in_device: bool, tag: str, key: str) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        return f"unknown key; the keys are {', '.join(_keys(tag) if in_device else Fleet.model_fields)}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _KIND
    found = "" if kind == "missing" else f" (found {str(item['input'])[:60]!r})"
    return f"{item['msg'].removeprefix('Value error, ')}{found}" if key else item["msg"].removeprefix("Value error, ")


def _keys(tag: str) -> list[str]:
    kinds: dict[str, type[_Device]] = {
        "local": LocalDevice,
        "playwright": PlaywrightDevice,
        "cdp": CdpDevice,
        "grid": GridDevice,
        "command": CommandDevice,
        "visit": VisitDevice,
    }
    return ["kind", *(name for name in kinds[tag].model_fields if name != "kind")]


def _unreadable(path: Path, got: str, expected: str, next_step: str) -> ZooError:
    return ZooError(f"{path} cannot be used as a fleet", got=got, expected=expected, next_step=next_step)
