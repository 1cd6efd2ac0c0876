"""Documents and comments name only what exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from scripts.serving import ROOT

_PATH = re.compile(
    r"(?<![\w/.-])((?:builder|timings|serving|fleet|web|tests|scripts|benchmarks|docs)/[\w/.-]*\.(?:py|js|mjs|css|md|png|json|html))\b"
)
_TEXTS = (".py", ".js", ".css", ".md", ".sh", ".html", ".toml", ".in")


def _texts() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in listed if name.endswith(_TEXTS) or name == "Makefile"]


@pytest.mark.parametrize("path", _texts(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_file_that_is_named_exists(path: Path) -> None:
    named = set(_PATH.findall(path.read_text(encoding="utf-8")))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_no_document_has_a_gap_left_to_fill() -> None:
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        assert not re.search(r"[A-Z]+_TABLE|\bTODO\b|\bTBD\b", path.read_text(encoding="utf-8")), path.name


def test_links_between_documents_lead_somewhere() -> None:
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
