"""A whole session of the fleet, with real browsers and a real server, through what goes wrong: crashes, Ctrl-C, a server that is away."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from builder.programs import running_server
from fleet.browsers import need
from scripts.serving import ROOT
from tests.conftest import Serve

_PATIENCE_S = 180
# By their multiplications.
SMALL_FIRST = ["echo", "echo_ssd", "echo_boxes"]
Line = Callable[[str], bool]


def fake(**script: object) -> list[str]:
    """The scripted runtime: a run takes three warm-ups and its samples, each `pace_ms` of real time."""
    known = {"durations_ms": [5], "pace_ms": 0} | script
    return [
        "--page-parameter", "runtime=fake", "--page-parameter", f"fake={json.dumps(known)}",
        "--warmup", "3", "--min-time", "0", "--end-to-end", "0",
    ]  # fmt: skip


def toml(path: Path, server: str, *names: str) -> Path:
    tables = "".join(f'[[device]]\nname = "{name}"\nkind = "local"\nbrowser = "chromium"\n' for name in names)
    path.write_text(f'server = "{server}"\nmodels = ["echo", "echo_ssd", "echo_boxes"]\niterations = 5\n{tables}')
    return path


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "fleet", *map(str, arguments)]


def fleet(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def rows(server: str) -> list[dict[str, str]]:
    with urllib.request.urlopen(f"{server}/api/timings.csv") as reply:
        return sorted(csv.DictReader(io.StringIO(reply.read().decode())), key=lambda row: row["started_at"])


def folder_of(out: Path) -> Path:
    (only,) = out.iterdir()
    return only


def descendants(pid: int) -> Iterator[tuple[int, str]]:
    """Every process that this one has started, and its command line."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    for child in found - {pid}:
        try:
            yield child, (Path("/proc") / str(child) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue


def follow(process: subprocess.Popen[str], until: Line) -> list[str]:
    """The lines that it prints up to the one that is waited for."""
    assert process.stdout is not None
    printed: list[str] = []
    for line in process.stdout:
        printed.append(line)
        if until(line):
            return printed
    pytest.fail("it ended early:\n" + "".join(printed) + (process.stderr.read() if process.stderr else ""))


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def alive(processes: Sequence[tuple[int, str]]) -> list[str]:
    """Those that still run, after a moment's grace: zombies do not."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        left = [line for pid, line in processes if Path(f"/proc/{pid}/cmdline").exists() and _state(pid) not in "ZX"]
        if not left:
            return []
        time.sleep(0.2)
    return left


def _state(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def test_two_devices_give_one_table_one_csv_and_one_report(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True).url
    done = fleet("run", toml(tmp_path / "fleet.toml", server, "one", "two"), "--out", tmp_path / "out", *fake())
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-2:] == ["one: 3 timed, 0 failed, 0 not sent", "two: 3 timed, 0 failed, 0 not sent"]
    stored = rows(server)
    assert [row["device_name"] for row in stored] == ["one"] * 3 + ["two"] * 3, "they share a host, so they take turns"
    assert [row["model"] for row in stored[:3]] == [row["model"] for row in stored[3:]] == SMALL_FIRST
    assert len({row["fleet_id"] for row in stored}) == 1
    assert len({row["device_id"] for row in stored}) == 2
    folder = folder_of(tmp_path / "out")
    with (folder / "timings.csv").open(newline="") as file:
        assert {row["run_id"] for row in csv.DictReader(file)} == {row["run_id"] for row in stored}
    report = (folder / "report.html").read_text()
    assert all(name in report for name in ("one", "two", "echo_ssd"))


def test_without_a_file_the_browsers_of_this_machine_are_driven(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True).url
    done = fleet("run", "--server", server, "--models", "echo", "--iterations", "3", "--out", tmp_path, *fake())
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row["browser"] for row in rows(server)} >= {"Chromium", "Firefox"}


def test_the_newest_fleet_is_shown_by_the_server(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True).url
    file = toml(tmp_path / "fleet.toml", server, "one", "two")
    with started("run", file, "--no-files", *fake(pace_ms=100)) as process:
        follow(process, lambda line: "median" in line)
        with urllib.request.urlopen(f"{server}/api/fleets") as reply:
            (known,) = json.loads(reply.read())["fleets"]
        with urllib.request.urlopen(f"{server}/api/fleets/{known['fleet_id']}") as reply:
            table = json.loads(reply.read())
        assert [line["device"] for line in table["devices"]] == ["one", "two"]
        assert not table["over"]
        assert table["devices"][1]["state"] == "waiting"
        assert table["devices"][1]["remaining_s"] > 0
        process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 0
    with urllib.request.urlopen(f"{server}/api/fleets/{known['fleet_id']}") as reply:
        table = json.loads(reply.read())
    assert table["over"]
    assert [(line["state"], line["runs_over"], line["runs"]) for line in table["devices"]] == [("done", 3, 3)] * 2


def test_a_page_that_crashes_is_recorded_and_the_rest_goes_on(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    """The page's process is killed; opened again, the page finds its journal, and records the run that was on as failed."""
    server = serve(tiny_zoo, accept_fake=True).url
    file = toml(tmp_path / "fleet.toml", server, "one")
    with started("run", file, "--out", tmp_path / "out", "--iterations", "20", *fake(pace_ms=150)) as process:
        follow(process, lambda line: "echo on wasm" in line and "median" in line)
        wait_until_sampling(server, "echo_ssd")
        for pid, line in descendants(process.pid):
            if "--type=renderer" in line:
                os.kill(pid, signal.SIGKILL)
        out, errors = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 1, out + errors
    stored = rows(server)
    assert [(row["model"], row["n"]) for row in stored] == [("echo", "20"), ("echo_ssd", "0"), ("echo_boxes", "20")]
    assert "ended the page during this run" in stored[1]["error_message"]
    assert out.splitlines()[-1] == "one: 2 timed, 1 failed, 0 not sent"


def wait_until_sampling(server: str, model: str) -> None:
    """Until the first sample of that model is taken, as the server tells."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{server}/api/fleets") as reply:
            known = json.loads(reply.read())["fleets"]
        if known:
            with urllib.request.urlopen(f"{server}/api/fleets/{known[0]['fleet_id']}") as reply:
                line = json.loads(reply.read())["devices"][0]
            if line["model"] == model and (line["sample"] or 0) >= 1:
                return
        time.sleep(0.2)
    pytest.fail(f"{model} took no sample")


@pytest.mark.parametrize("how", ["the browser dies", "Ctrl-C"])
@pytest.mark.usefixtures("ctrl_c_works")
def test_an_interrupted_session_is_gone_on_with(serve: Serve, tiny_zoo: Path, tmp_path: Path, how: str) -> None:
    server = serve(tiny_zoo, accept_fake=True).url
    file = toml(tmp_path / "fleet.toml", server, "one")
    out = tmp_path / "out"
    with started("run", file, "--out", out, "--iterations", "20", *fake(pace_ms=100)) as process:
        follow(process, lambda line: "echo on wasm" in line and "median" in line)
        children = list(descendants(process.pid))
        assert any(str(need("chromium").executable.name) in line for _, line in children)
        if how == "Ctrl-C":
            began = time.monotonic()
            os.killpg(process.pid, signal.SIGINT)
        else:
            main = [pid for pid, line in children if "--remote-debugging-pipe" in line and "--type=" not in line]
            assert main
            for pid in main:
                os.kill(pid, signal.SIGKILL)
        printed, errors = process.communicate(timeout=_PATIENCE_S)
    if how == "Ctrl-C":
        assert process.returncode == 130, printed + errors
        assert time.monotonic() - began < 20, "5 s are the aim, and this machine may be busy"
        assert alive(children) == []
        assert "--resume" in errors
    else:
        assert process.returncode == 1, printed + errors
        assert "one: 2 timed, 0 failed, 0 not sent, 1 lost" in printed
    before = {row["run_id"]: row["model"] for row in rows(server)}
    done = fleet("run", "--resume", folder_of(out))
    assert done.returncode == 0, done.stdout + done.stderr
    after = rows(server)
    assert sorted(row["model"] for row in after) == ["echo", "echo_boxes", "echo_ssd"]
    assert before.keys() <= {row["run_id"] for row in after}
    again = fleet("run", "--resume", folder_of(out))
    assert again.returncode == 0, again.stdout + again.stderr
    assert [row["run_id"] for row in rows(server)] == [row["run_id"] for row in after]


def test_runs_that_the_server_could_not_take_are_sent_later(tiny_zoo: Path, tmp_path: Path) -> None:
    out, database = tmp_path / "out", tmp_path / "runs.sqlite"
    with running_server(tiny_zoo, database, accept_fake=True) as first:
        port = int(first.url.rpartition(":")[2])
        file = toml(tmp_path / "fleet.toml", first.url, "one")
        process = started("run", file, "--models", "echo", "--out", out, "--iterations", "20", *fake(pace_ms=300))
        wait_until_sampling(first.url, "echo")
    with process:
        printed, errors = process.communicate(timeout=_PATIENCE_S)
    assert process.returncode == 1, printed + errors
    kept = list((folder_of(out) / "unsent").glob("*.json"))
    assert [json.loads(path.read_text())["model"] for path in kept] == ["echo"]
    with running_server(tiny_zoo, database, port=port, accept_fake=True) as second:
        done = fleet("run", "--resume", folder_of(out))
        assert done.returncode == 0, done.stdout + done.stderr
        assert [(row["run_id"], row["n"]) for row in rows(second.url)] == [(kept[0].stem, "20")]
    assert not kept[0].exists()


def test_check_tells_what_each_device_can_do(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    server = serve(tiny_zoo).url
    file = toml(tmp_path / "fleet.toml", server, "one")
    with file.open("a") as text:
        text.write('[[device]]\nname = "gone"\nkind = "playwright"\nendpoint = "ws://127.0.0.1:9/x"\n')
        text.write('[[device]]\nname = "old"\nkind = "local"\nbrowser = "chromium"\nversion = "1.2"\n')
        text.write('[[device]]\nname = "nothing"\nkind = "command"\nargv = ["no-such-program", "{url}"]\n')
        text.write('[[device]]\nname = "napkin"\nkind = "local"\nbrowser = "chromium"\nemulate = "Pixel 77"\n')
    done = fleet("check", file)
    assert done.returncode == 1
    assert "one: chromium " in done.stdout
    assert "wasm" in done.stdout
    for words in (
        "gone: NOT READY",
        "old: NOT READY",
        "a version that begins with 1.2",
        "no program no-such-program",
        "Pixel 7",
    ):
        assert words in done.stdout, words


def test_a_plan_is_shown_and_nothing_is_run(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    server = serve(tiny_zoo).url
    done = fleet("run", toml(tmp_path / "fleet.toml", server, "one", "two"), "--dry-run", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "two (local): 3 runs" in done.stdout
    assert "one device after another" in done.stdout
    assert rows(server) == []
    (written,) = (tmp_path / "out").iterdir()
    plan = json.loads(written.read_text())
    assert [(device["device"], device["runs"]) for device in plan["devices"]] == [("one", 3), ("two", 3)]
    assert [visit["models"] for visit in plan["devices"][0]["visits"]] == [[model] for model in SMALL_FIRST]
    assert plan["foreseen_s"] == pytest.approx(sum(device["foreseen_s"] for device in plan["devices"]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "none.toml"], ["none.toml", "fleet init"]),
        (["run", "--server", "http://127.0.0.1:9", "--no-files"], ["http://127.0.0.1:9", "--serve", "make serve"]),
        (["run", "--resume", "--out", "nowhere"], ["no session to go on with", "nowhere"]),
        (["run", "--baseline", "none.csv", "--serve", "--no-files", "--models", "mobilenet_v1"], ["none.csv"]),
    ],
)
def test_what_cannot_be_begun_is_told_in_one_message(arguments: list[str], words: list[str]) -> None:
    done = fleet(*arguments)
    assert done.returncode == 1
    assert [word for word in words if word not in done.stderr] == []
    assert all(part in done.stderr for part in ("got:", "expected:", "next:"))
    assert "Traceback" not in done.stderr


def test_only_names_a_device_of_the_file(tmp_path: Path) -> None:
    done = fleet("run", toml(tmp_path / "fleet.toml", "http://127.0.0.1:9", "one"), "--only", "two")
    assert done.returncode == 1
    assert "one of one" in done.stderr


def test_init_writes_a_fleet_that_can_be_checked_and_never_over_yours(
    serve: Serve, tiny_zoo: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    done = fleet("init", file)
    assert done.returncode == 0, done.stderr
    assert 'browser = "chromium"' in file.read_text()
    listed = fleet("list", file)
    assert listed.returncode == 0, listed.stderr
    assert "local, on this machine" in listed.stdout
    checked = fleet("check", file, "--server", serve(tiny_zoo).url)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    before = file.read_bytes()
    again = fleet("init", file)
    assert again.returncode == 1
    assert file.read_bytes() == before


def test_a_slower_build_fails_and_leaves_what_builds_read(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True).url
    file = toml(tmp_path / "fleet.toml", server, "one")
    steady = [10.0, 10.1, 9.9, 10.0, 10.1, 9.9, 10.0, 10.1, 9.9, 10.0]
    options = ("--models", "echo", "--iterations", "30")
    before = fleet("run", file, *options, "--out", tmp_path / "before", *fake(durations_ms=steady))
    assert before.returncode == 0, before.stdout + before.stderr
    baseline = folder_of(tmp_path / "before") / "timings.csv"
    now = fake(durations_ms=[1.5 * duration for duration in steady])
    ci = ("--ci", "--server", server, "--baseline", baseline)
    slow = fleet("run", file, *options, "--out", tmp_path / "slow", *ci, "--fail-if-slower", "10%", *now)
    assert slow.returncode == 1, slow.stdout + slow.stderr
    assert "slower" in slow.stderr
    folder = folder_of(tmp_path / "slow")
    assert "<failure" in (folder / "junit.xml").read_text()
    assert "slower" in (folder / "summary.md").read_text()
    fine = fleet("run", file, *options, "--out", tmp_path / "fine", *ci, "--fail-if-slower", "60%", *now)
    assert fine.returncode == 0, fine.stdout + fine.stderr


@pytest.mark.parametrize("answer", ["n", "y"])
def test_at_a_terminal_a_server_that_is_not_there_is_offered(real_zoo: Path, tmp_path: Path, answer: str) -> None:
    if real_zoo != ROOT / "models":
        pytest.skip("the fleet serves models/, and these tests use another folder")
    arguments = ("run", "--server", "http://127.0.0.1:9", "--browser", "chromium", "--models", "mobilenet_v1")
    more = ("--iterations", "2", "--min-time", "0", "--end-to-end", "0", "--out", tmp_path)
    ours, theirs = pty.openpty()
    with subprocess.Popen(command(*arguments, *more), cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        shown = b""
        with contextlib.suppress(OSError):  # so a terminal ends on Linux
            while part := os.read(ours, 4096):
                shown += part
        os.close(ours)
        status = process.wait(_PATIENCE_S)
    assert b"Start one for this session?" in shown
    assert (b"serving on http://127.0.0.1:" in shown) == (answer == "y"), shown.decode()
    assert status == (0 if answer == "y" else 1), shown.decode()
