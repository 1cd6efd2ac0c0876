"""Builds by worker processes: all that can be built is built, whatever happens to the others; nobody is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder import manifest
from builder.cache import BuildCache
from tests.builder.commands import ROOT, contents
from tests.support.tiny_spec import build_tiny, finished, signs_in


@pytest.fixture
def signs(tmp_path: Path) -> Path:
    """Where held builds say that they run, and wait for a file "go"."""
    folder = tmp_path / "signs"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache."""
    return tmp_path / "cache"


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def _gone(pids: list[int], timeout: float = 15) -> bool:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not any(_alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _built(out: Path) -> list[str]:
    return [m.id for m in manifest.read(out).models]


def test_one_that_fails_and_one_that_is_killed_stop_nobody(tmp_path: Path, signs: Path, cache: Path) -> None:
    out = tmp_path / "models"
    names = ("one:tiny", f"bad:wrong:{signs}", f"dead:deadly:{signs}", "two:tiny")
    status, said = finished(build_tiny(out, *names, cache=cache, jobs=2))
    assert status == 1, said
    assert _built(out) == ["one", "two"]
    assert "bad, stage load: RuntimeError" in said
    assert "no network today" in said
    assert "dead, stage load: its worker process was ended from outside" in said
    assert "signal 9 (SIGKILL)" in said
    assert "want of memory" in said
    assert "Traceback" not in said
    last = said.strip().splitlines()[-1]
    assert last.startswith("built 2, failed 2: ")
    assert sorted(last.partition(": ")[2].split(", ")) == ["bad", "dead"]

    again = finished(build_tiny(out, *names[:2], "two:tiny", cache=cache))
    assert again[0] == 1
    assert again[1].strip().splitlines()[-1] == "up to date 2, failed 1: bad"

    elsewhere = finished(build_tiny(tmp_path / "elsewhere", "one:tiny", "two:tiny", cache=cache), timeout=20)
    assert elsewhere[0] == 0, elsewhere[1]
    assert elsewhere[1].strip().splitlines()[-1] == "from the cache 2"
    assert contents(tmp_path / "elsewhere") == contents(out)


def test_so_many_at_a_time_each_in_a_process_of_its_own(tmp_path: Path, signs: Path, cache: Path) -> None:
    names = [f"model_{i}:held:{signs}" for i in range(3)]
    process = build_tiny(tmp_path / "models", *names, cache=cache, jobs=2)
    signs_in(signs, 2, process)
    time.sleep(1)
    assert len(signs_in(signs, 2, process)) == 2
    (signs / "go").touch()
    status, said = finished(process)
    assert status == 0, said
    pids = signs_in(signs, 3, process)
    assert len(pids) == 3
    assert process.pid not in pids
    assert _gone(list(pids))


@pytest.mark.parametrize(
    ("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_worker_processes_end_with_their_builder(
    how: signal.Signals, status: int, tmp_path: Path, signs: Path, cache: Path, ctrl_c_works: None
) -> None:
    process = build_tiny(tmp_path / "models", f"one:held:{signs}", f"two:held:{signs}", cache=cache, jobs=2)
    pids = signs_in(signs, 2, process)
    process.send_signal(how)
    ended, said = finished(process, timeout=30)
    assert ended == status, said
    assert _gone(list(pids))
    assert "Traceback" not in said
    assert not (tmp_path / "models" / manifest.FILE_NAME).exists()


def test_a_model_that_another_builder_is_at_work_on_is_waited_for(tmp_path: Path, signs: Path, cache: Path) -> None:
    """Two builders, one folder, one model: it is built once."""
    out = tmp_path / "models"
    first = build_tiny(out, f"one:held:{signs}", cache=cache)
    signs_in(signs, 1, first)
    second = build_tiny(out, f"one:held:{signs}", "two:tiny", cache=cache, jobs=2)
    assert second.stdout
    heard = []
    for line in second.stdout:
        heard.append(line)
        if line == "one: another process is building it; waiting for that\n":
            break
    (signs / "go").touch()
    status, said = finished(first)
    assert (status, said.strip().splitlines()[-1]) == (0, "built 1")
    status, said = finished(second)
    assert (status, said.strip().splitlines()[-1]) == (0, "built 1, from the cache 1"), "".join(heard) + said
    assert len(signs_in(signs, 1, first)) == 1
    assert _built(out) == ["one", "two"]


def test_who_waits_builds_when_the_other_builder_is_killed(tmp_path: Path, signs: Path, cache: Path) -> None:
    out = tmp_path / "models"
    first = build_tiny(out, f"one:held:{signs}", cache=cache)
    (pid,) = signs_in(signs, 1, first)
    second = build_tiny(out, f"one:held:{signs}", cache=cache)
    assert second.stdout
    assert any("waiting for that" in line for line in second.stdout)
    first.kill()
    first.communicate()
    assert _gone([pid])
    assert len(signs_in(signs, 2, second)) == 2
    (signs / "go").touch()
    status, said = finished(second)
    assert (status, said.strip().splitlines()[-1]) == (0, "built 1")


def test_a_damaged_cache_entry_is_built_anew(tmp_path: Path, cache: Path) -> None:
    assert finished(build_tiny(tmp_path / "models", "one:tiny", cache=cache))[0] == 0
    (entry,) = (cache / "builds").glob("*.zip")
    content = entry.read_bytes()
    entry.write_bytes(content[: len(content) // 2])
    status, said = finished(build_tiny(tmp_path / "elsewhere", "one:tiny", cache=cache))
    assert status == 0, said
    assert "is damaged" in said
    assert said.strip().splitlines()[-1] == "built 1"
    assert contents(tmp_path / "elsewhere", "*/*.onnx") == contents(tmp_path / "models", "*/*.onnx")
    assert BuildCache(cache / "builds").take(entry.stem, print) is not None


def test_the_whole_trace_is_printed_for_those_who_ask(tmp_path: Path, signs: Path, cache: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from builder.build_all import Options, build_all; "
        "from builder.progress import Display; from tests.support.tiny_spec import tiny_spec; "
        "build_all([tiny_spec('bad', 'wrong', sys.argv[2])], Options(Path(sys.argv[1]), 'seeded', 1), Display())"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore", "-c", program, str(tmp_path / "models"), str(signs)],
        cwd=ROOT,
        env={**os.environ, "ZOO_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "in the worker process:" in done.stderr
    assert "tiny_networks.py" in done.stderr
    assert "RuntimeError: no network today" in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB, full but for 4 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        pytest.skip("needs the right to mount a small disk")
    (folder / "filling").write_bytes(b"x" * (60 << 10))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_under_the_cache_costs_a_note(tmp_path: Path, small_disk: Path) -> None:
    status, said = finished(build_tiny(tmp_path / "models", "one:tiny", cache=small_disk))
    assert status == 0, said
    assert "one is not kept in the cache" in said
    assert "No space left on device" in said
    assert _built(tmp_path / "models") == ["one"]
    assert not list(small_disk.rglob("*.partial"))


def test_a_full_disk_under_the_folder_fails_every_model_with_one_message(small_disk: Path, cache: Path) -> None:
    status, said = finished(build_tiny(small_disk / "models", "one:tiny", "two:tiny", cache=cache))
    assert status == 1, said
    for name in ("one", "two"):
        assert said.count(f"error: {name}, stage write: ") == 1
    assert said.count("No space left on device") == 2
    assert said.strip().splitlines()[-1] == "failed 2: one, two"
    assert {p.name for p in (small_disk / "models").rglob("*") if p.is_file()} <= {".builder.lock"}
    assert not list((cache / "builds").glob("*.zip"))
