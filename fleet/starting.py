"""`init`: a commented fleet.toml of what is found on this machine."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from builder.errors import ZooError
from builder.files import write_bytes
from fleet import adb
from fleet.browsers import ENGINES, find_named

_HEAD = """# The devices that `python -m fleet run {name}` drives. docs/fleet.md explains every key; docs/fleet.schema.json is its schema.

# server = "http://127.0.0.1:8000"   # the address that the server prints; leave it out for this one
# models = ["mobilenet_v2"]          # leave it out for the light ones; ["all"] for all
# backends = ["wasm"]                # wasm, wasm-1 (one thread), webgpu, webgl, webnn-cpu
# iterations = 30
"""
_OTHERS = """
# A phone, or whatever a person opens a browser on: the terminal shows a QR code and waits.
# [[device]]
# name = "my phone"
# kind = "visit"
# server = "http://192.168.1.10:8000"   # this machine's address in the network

# Another computer: start `python -m fleet agent --host 0.0.0.0` there; it prints these lines with the right endpoint.
# [[device]]
# name = "lab pc"
# kind = "playwright"
# browser = "chromium"
# endpoint = "ws://192.168.1.20:9331/its-secret-path"

# The same browser, pretending to be a phone; every row says so.
# [[device]]
# name = "emulated phone"
# kind = "local"
# browser = "chromium"
# emulate = "Pixel 7"
"""


def starting_file(path: Path) -> str:
    """Write it; what to tell the person. Raises ZooError if there is such a file already: it is theirs."""
    if path.exists():
        raise ZooError(
            f"{path} is there already",
            got="a file of yours",
            expected="a new file",
            next_step="give another name: python -m fleet init NAME.toml; or remove it first",
        )
    tables = list(_tables())
    write_bytes(path, (_HEAD.format(name=path.name) + "".join(tables) + _OTHERS).encode())
    return f"{path}: {len(tables)} devices. Next: python -m fleet check {path}"


def _tables() -> Iterator[str]:
    node = platform.node() or "this machine"
    for engine in ENGINES:
        if find_named(engine):
            yield _table(name=f"{node} {engine}", kind="local", browser=engine)
    browser = shutil.which("MiniBrowser")
    if browser:
        yield _table(name=f"{node} MiniBrowser", kind="command", argv=[browser, "{url}"])
    if shutil.which("adb"):
        try:
            phones = adb.devices()
        except ZooError as error:
            yield f"\n# adb is here, but: {error.what}\n"
            return
        for phone in phones:
            yield _table(name=phone.model or phone.serial, kind="cdp", adb=phone.serial)


def _table(**keys: object) -> str:
    # A JSON text or list of texts is TOML too.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]
    return "\n[[device]]\n" + "\n".join(lines) + "\n"
