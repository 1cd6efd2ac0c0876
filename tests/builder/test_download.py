"""The real download code against a real HTTP server on loopback that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builder.download import UnreachableError, content_problem, download
from builder.errors import ZooError

CONTENT = bytes(range(256)) * 20_000  # 5 MB
PIECE = 1 << 16
SUMS = (f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",)


@dataclass
class FileServer:
    """Serves CONTENT at any path. `cut_after` ends each answer after so many bytes; `status` answers with an error instead."""

    url: str = ""
    cut_after: int | None = None
    status: int | None = None
    ranges: bool = True
    content: bytes = CONTENT
    requested: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[FileServer]:
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
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


def _download(server: FileServer, to: Path, sums: tuple[str, ...] = SUMS, size: int | None = len(CONTENT)) -> list[int]:
    seen: list[int] = []
    download(server.url, to, size=size, checksums=sums, on_bytes=lambda done, _: seen.append(done))
    return seen


def test_a_file_arrives_whole_with_progress_and_leaves_nothing_else(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "weights.pth"
    seen = _download(server, target)
    assert target.read_bytes() == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)
    assert [p.name for p in target.parent.iterdir()] == ["weights.pth"]


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
    assert list(tmp_path.iterdir()) == []


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
