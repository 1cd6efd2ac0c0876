"""fleet.toml: what it may say, and what is said about what it may not."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from builder.errors import ZooError
from fleet.fleet_file import Fleet, fleet_schema, read_fleet

ROOT = Path(__file__).resolve().parent.parent
ALL_KINDS = """
server = "http://127.0.0.1:8000/"
models = ["mobilenet_v2"]
iterations = 30
[[device]]
name = "desk"
kind = "local"
browser = "chromium"
emulate = "Pixel 7"
cpu_slowdown = 4
network = { download_mbps = 10, upload_mbps = 5.5, latency_ms = 40 }
[[device]]
name = "lab"
kind = "playwright"
browser = "firefox"
endpoint = "ws://10.0.0.5:9331/secret"
host = "lab pc"
headers = { authorization = "me" }
[[device]]
name = "port"
kind = "cdp"
endpoint = "http://127.0.0.1:9222"
[[device]]
name = "cable"
kind = "cdp"
adb = ""
[[device]]
name = "grid"
kind = "grid"
hub = "http://hub:4444"
[[device]]
name = "kiosk"
kind = "command"
argv = ["MiniBrowser", "{url}"]
min_time_s = 0
[[device]]
name = "phone"
kind = "visit"
server = "http://192.168.1.2:8000"
"""


def parsed(tmp_path: Path, text: str) -> Fleet:
    file = tmp_path / "fleet.toml"
    file.write_text(text)
    return read_fleet(file)


def test_every_kind_is_read(tmp_path: Path) -> None:
    fleet = parsed(tmp_path, ALL_KINDS)
    assert [device.kind for device in fleet.device] == [
        "local", "playwright", "cdp", "cdp", "grid", "command", "visit"
    ]  # fmt: skip
    assert fleet.server == "http://127.0.0.1:8000"
    assert fleet.device[5].min_time_s == 0
    assert fleet.device[6].server == "http://192.168.1.2:8000"


DESK = '[[device]]\nname = "desk"\nkind = "local"\nbrowser = "chromium"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("iteration = 3\n" + DESK, ["the file's top: iteration: unknown key", "iterations", "server"]),
        (DESK + "colour = 1\n", ["[[device]] 1 (desk): colour: unknown key", "cpu_slowdown", "emulate"]),
        (DESK.replace("chromium", "netscape"), ["[[device]] 1 (desk): browser:", "'chrome', 'edge'", "netscape"]),
        (DESK.replace("local", "remote"), ["[[device]] 1 (desk)", "local, playwright, cdp, grid, command, visit"]),
        (DESK.replace('kind = "local"\n', ""), ["[[device]] 1 (desk)", "kind must be one of"]),
        (DESK + DESK, ["two have the name 'desk'"]),
        ("", ["device", "required"]),
        (DESK.replace("chromium", "firefox") + "cpu_slowdown = 4\n", ["cpu_slowdown: only chromium", "firefox"]),
        (DESK + "iterations = 0\n", ["[[device]] 1 (desk): iterations:", "greater than or equal to 1", "'0'"]),
        (DESK + 'iterations = "3"\n', ["iterations", "valid integer"]),
        (DESK + "timeout_s = inf\n", ["timeout_s", "finite"]),
        (DESK + 'server = "127.0.0.1:8000"\n', ["server", "http:// or https://"]),
        (DESK + 'server = "http://127.0.0.1:8000/x"\n', ["server", "without a path"]),
        ('[[device]]\nname = "a"\nkind = "playwright"\nendpoint = "http://x"\n', ["endpoint", "ws:// or wss://"]),
        ('[[device]]\nname = "a"\nkind = "cdp"\n', ["[[device]] 1 (a)", "either endpoint or adb"]),
        ('[[device]]\nname = "a"\nkind = "command"\nargv = ["x"]\n', ["argv", "{url}"]),
        ('[[device]]\nname = " "\nkind = "visit"\n', ["name", "at least 1 character"]),
        ("device = 3\n", ["device", "tuple"]),
        ("[[device]\n", ["line 1"]),
        ("server = 1\nserver = 2\n", ["line 2"]),
    ],
)
def test_what_is_wrong_is_named_with_its_table_and_key(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ZooError) as raised:
        parsed(tmp_path, text)
    assert str(tmp_path / "fleet.toml") in raised.value.what
    assert [word for word in words if word not in raised.value.got] == []
    assert raised.value.next_step


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ZooError) as raised:
        read_fleet(tmp_path / "none.toml")
    assert "fleet init" in raised.value.next_step


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ZooError, match="cannot be used as a fleet"):
        read_fleet(tmp_path / "fleet.toml")


def test_the_published_schema_is_this_versions_and_agrees_with_the_parser() -> None:
    published = (ROOT / "docs" / "fleet.schema.json").read_text()
    assert published == fleet_schema(), "write it anew: .venv/bin/python -m fleet schema > docs/fleet.schema.json"
    schema = json.loads(published)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(tomllib.loads(ALL_KINDS))
    for wrong in (
        "iteration = 3\n" + DESK,
        DESK + "colour = 1\n",
        DESK.replace("chromium", "netscape"),
        "server = 1\n",
    ):
        assert list(validator.iter_errors(tomllib.loads(wrong))), wrong
