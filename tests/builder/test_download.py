"""The real download code against a real HTTP server on loopback that can be told to misbehave."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builder.download import UnreachableError, WrongContentError, content_problem, download
from builder.errors import ZooError
from tests.builder.commands import ROOT

CONTENT = bytes(range(256)) * 20_000  # 5 MB
PIECE = 1 << 16
SUMS = (f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",)


@dataclass
class FileServer:
    """Serves CONTENT at any path. `cut_after` ends each answer after so many bytes; `status` answers with an error instead; an answer
    waits for `go_on`, and says with `answered` that it does."""

    url: str = ""
    cut_after: int | None = None
    status: int | None = None
    ranges: bool = True
    content: bytes = CONTENT
    requested: list[str | None] = field(default_factory=list)
    answered: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.go_on.set()


@contextlib.contextmanager
def _serving() -> Iterator[FileServer]:
    state = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.requested.append(wanted)
            if state.status:
                self.send_error(state.status)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and state.ranges else 0
            if start >= len(state.content):
                self.send_error(416)
                return
            body = state.content[start:]
            state.answered.set()
            assert state.go_on.wait(30)
            self.send_response(206 if wanted and state.ranges else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if state.cut_after is None else body[: state.cut_after])

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{http.server_address[1]}/weights.pth"
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[FileServer]:
    """The published address."""
    with _serving() as state:
        yield state


@pytest.fixture
def mirror() -> Iterator[FileServer]:
    """A second address of the same file."""
    with _serving() as state:
        yield state


def _download(
    server: FileServer, to: Path, *mirrors: FileServer, sums: tuple[str, ...] = SUMS, size: int | None = len(CONTENT)
) -> list[int]:
    seen: list[int] = []
    addresses = [server.url, *(m.url for m in mirrors)]
    download(addresses, to, size=size, checksums=sums, on_bytes=lambda done, _: seen.append(done))
    return seen


def _files(folder: Path) -> list[str]:
    """What is in the folder, besides the lock."""
    return sorted(p.name for p in folder.iterdir() if p.name != ".weights.pth.lock")


def test_a_file_arrives_whole_with_progress_and_leaves_nothing_else(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "weights.pth"
    seen = _download(server, target)
    assert target.read_bytes() == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)
    assert _files(target.parent) == ["weights.pth"]


def test_a_broken_download_is_continued_where_it_stopped(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    partial = tmp_path / "weights.pth.partial"
    partial.write_bytes(CONTENT[:1_000_000])
    _download(server, target)
    assert server.requested == ["bytes=1000000-"]
    assert target.read_bytes() == CONTENT


def test_a_connection_that_keeps_breaking_is_picked_up_again_within_one_call(
    server: FileServer, tmp_path: Path
) -> None:
    server.cut_after = 32 * PIECE
    _download(server, tmp_path / "weights.pth")
    assert server.requested == [None, f"bytes={32 * PIECE}-", f"bytes={64 * PIECE}-"]


def test_what_has_arrived_is_kept_for_the_next_run(server: FileServer, tmp_path: Path) -> None:
    server.cut_after = 16 * PIECE
    with pytest.raises(UnreachableError) as caught:
        _download(server, tmp_path / "weights.pth")
    assert "IncompleteRead" in caught.value.got
    assert not (tmp_path / "weights.pth").exists()
    server.cut_after = None
    _download(server, tmp_path / "weights.pth")
    assert server.requested[-1] == f"bytes={48 * PIECE}-"


def test_a_server_without_ranges_sends_everything_again(server: FileServer, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "weights.pth.partial").write_bytes(b"x" * 1000)
    _download(server, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("left_over", [b"y" * 1000, b"y" * len(CONTENT), b"y" * (len(CONTENT) + 5)])
def test_a_partial_file_of_something_else_is_thrown_away(server: FileServer, tmp_path: Path, left_over: bytes) -> None:
    (tmp_path / "weights.pth.partial").write_bytes(left_over)
    _download(server, tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


def test_content_with_another_hash_never_gets_the_files_name(server: FileServer, tmp_path: Path) -> None:
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(ZooError) as caught:
        _download(server, tmp_path / "weights.pth")
    assert "did not give the published file" in caught.value.what
    assert SUMS[0].removeprefix("sha256:") in caught.value.expected
    assert _files(tmp_path) == []


def test_an_http_error_is_told_with_its_status(server: FileServer, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(UnreachableError, match="cannot be fetched") as caught:
        _download(server, tmp_path / "weights.pth")
    assert "404" in caught.value.got


def test_an_unreachable_server_is_told_in_words(tmp_path: Path) -> None:
    server = FileServer(url="http://127.0.0.1:9/weights.pth")
    with pytest.raises(UnreachableError) as caught:
        _download(server, tmp_path / "weights.pth")
    assert "refused" in caught.value.got
    assert "0x" not in caught.value.got


def test_a_folder_that_cannot_be_written_is_named(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ZooError, match="cannot be written"):
        _download(server, tmp_path / "file" / "weights.pth")


def test_a_download_without_a_checksum_is_refused(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without a checksum"):
        _download(server, tmp_path / "weights.pth", sums=())


def test_checksums_may_be_prefixes_and_of_several_kinds(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    sha384 = hashlib.sha384(CONTENT).hexdigest()
    assert content_problem(path, len(CONTENT), (SUMS[0][: 7 + 8], f"sha384:{sha384}")) is None
    assert content_problem(path, None, ("sha384:0000",)) == (f"sha384 {sha384}", "sha384 0000")
    assert content_problem(path, 7, SUMS) == (f"{len(CONTENT)} bytes", "7 bytes")


# Mirrors


def test_a_mirror_is_asked_when_the_address_does_not_answer(
    server: FileServer, mirror: FileServer, tmp_path: Path
) -> None:
    server.status = 503
    _download(server, tmp_path / "weights.pth", mirror)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT
    assert len(server.requested) == len(mirror.requested) == 1


def test_a_mirror_goes_on_where_the_address_broke_off(server: FileServer, mirror: FileServer, tmp_path: Path) -> None:
    server.cut_after = 8 * PIECE
    _download(server, tmp_path / "weights.pth", mirror)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT
    assert mirror.requested == [f"bytes={24 * PIECE}-"]


def test_a_wrong_start_from_one_address_does_not_spoil_the_mirror(
    server: FileServer, mirror: FileServer, tmp_path: Path
) -> None:
    server.content, server.cut_after = b"x" * len(CONTENT), 8 * PIECE
    _download(server, tmp_path / "weights.pth", mirror)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT
    assert mirror.requested == [f"bytes={24 * PIECE}-", None]


def test_wrong_content_at_one_address_does_not_stop_a_good_mirror(
    server: FileServer, mirror: FileServer, tmp_path: Path
) -> None:
    server.content = CONTENT[:-1] + b"!"
    _download(server, tmp_path / "weights.pth", mirror)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT
    assert mirror.requested == [None]


@pytest.mark.parametrize("wrong_first", [True, False])
def test_when_no_address_has_it_all_of_them_are_named(
    wrong_first: bool, server: FileServer, mirror: FileServer, tmp_path: Path
) -> None:
    """Wrong content is told even where the other address is only away."""
    wrong, away = (server, mirror) if wrong_first else (mirror, server)
    wrong.content, away.status = b"x" * len(CONTENT), 503
    with pytest.raises(WrongContentError, match=r"none of the 2 addresses of weights\.pth gave it") as caught:
        _download(server, tmp_path / "weights.pth", mirror)
    assert server.url in caught.value.got
    assert mirror.url in caught.value.got
    assert "503" in caught.value.got
    assert _files(tmp_path) == []


# Two at once

_PROGRAM = (
    "import sys; from pathlib import Path; from builder.download import download; seen = []; "
    "download([sys.argv[1]], Path(sys.argv[2]), size=int(sys.argv[3]), checksums=[sys.argv[4]], "
    "on_bytes=lambda *piece: (seen or print('began', flush=True), seen.append(piece))); print(seen[-1])"
)


def _in_a_process(server: FileServer, to: Path) -> subprocess.Popen[str]:
    arguments = [server.url, str(to), str(len(CONTENT)), SUMS[0]]
    return subprocess.Popen([sys.executable, "-c", _PROGRAM, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_two_processes_that_want_the_same_file_fetch_it_once(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    server.go_on.clear()
    first = _in_a_process(server, target)
    assert server.answered.wait(30)
    second = _in_a_process(server, target)
    assert second.stdout
    assert second.stdout.readline() == "began\n"  # it tells how far the first one is
    server.go_on.set()
    for process in (first, second):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert target.read_bytes() == CONTENT
    assert server.requested == [None]
    assert _files(tmp_path) == ["weights.pth"]


def test_who_waits_goes_on_when_the_other_is_killed(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    server.go_on.clear()
    first = _in_a_process(server, target)
    assert server.answered.wait(30)
    second = _in_a_process(server, target)
    assert second.stdout
    assert second.stdout.readline() == "began\n"
    first.kill()
    first.communicate()
    server.go_on.set()
    second.communicate(timeout=60)
    assert second.returncode == 0
    assert target.read_bytes() == CONTENT


def test_a_full_disk_is_told_and_what_arrived_is_continued(server: FileServer, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        with pytest.raises(ZooError, match=r"weights\.pth cannot be written") as caught:
            _download(server, disk / "weights.pth")
        assert not isinstance(caught.value, UnreachableError)
        assert caught.value.got == "No space left on device"
        assert len(server.requested) == 1
        assert _files(disk) == ["weights.pth.partial"]
        kept = (disk / "weights.pth.partial").stat().st_size
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        _download(server, disk / "weights.pth")
        assert server.requested[1:] == [f"bytes={kept}-"]
        assert (disk / "weights.pth").read_bytes() == CONTENT
    finally:
        subprocess.run(["umount", str(disk)], check=True)
