"""What there is, for python -m builder list. It must answer at once, so nothing heavy is imported and no weights file is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.table import Column, Table

from builder import manifest
from builder.catalogue import CATALOGUE, CATALOGUE_IDS
from builder.errors import ZooError
from builder.records import BackendSupport, ModelEntry, SupportStatus, VariantEntry


@dataclass(frozen=True)
class Symbols:
    """How the matrix shows what a backend does; `otherwise` follows where a browser did not do what was predicted."""

    runs: str = "✓"
    falls_back: str = "~"
    stops: str = "–"  # noqa: RUF001 - an en dash is as wide as the tick
    otherwise: str = "!"

    def of(self, status: SupportStatus) -> str:
        """The symbol of that status."""
        found: str = getattr(self, status)
        return found

    def legend(self) -> str:
        """What they mean, in one line."""
        return (
            f"{self.runs} runs, {self.falls_back} runs with some nodes in WebAssembly, {self.stops} does not run, "
            f"{self.otherwise} a browser did otherwise; ? not predicted"
        )


PLAIN = Symbols(runs="yes", falls_back="part", stops="no")  # for terminals without those characters


def built_models(out: Path) -> dict[str, ModelEntry]:
    """The manifest's entries by id; none where there is no manifest, or one that cannot be read: `unreadable` tells."""
    try:
        return {entry.id: entry for entry in manifest.read(out).models}
    except ZooError:
        return {}


def unreadable(out: Path) -> ZooError | None:
    """Why the manifest in `out` cannot be read; None where it can, or where there is none."""
    if (out / manifest.FILE_NAME).exists():
        try:
            manifest.read(out)
        except ZooError as error:
            return error
    return None


def added_models(built: dict[str, ModelEntry]) -> list[ModelEntry]:
    """Those that are not the catalogue's: somebody's own."""
    return [entry for entry in built.values() if entry.id not in CATALOGUE_IDS]


def models_table(out: Path, symbols: Symbols) -> Table:
    """One row a model: what it is, whether it is built, and which backends of the pinned onnxruntime-web run it."""
    built = built_models(out)
    columns = ("title", "task", "input", "parameters", "built", "runs on")
    table = Table(Column("id", no_wrap=True), *columns, caption=symbols.legend(), caption_justify="left")
    for spec in CATALOGUE:
        entry = built.get(spec.id)
        row = (spec.id, spec.title, spec.task, _shape(spec.input.shape), f"{spec.parameters:,}")
        table.add_row(*row, _built(entry), _matrix(entry, symbols))
    for entry in added_models(built):
        row = (entry.id, entry.title, entry.task, _shape(entry.input.shape), f"{entry.parameters:,}")
        table.add_row(*row, "your own", _matrix(entry, symbols))
    return table


def support_table(out: Path) -> Table:
    """One row a file and backend: what was predicted and why, and what browsers did."""
    columns = ("variant", "backend", "predicted", "in WebAssembly", "what stops it", "observed")
    table = Table(Column("id", no_wrap=True), *columns)
    for entry in built_models(out).values():
        for variant in entry.variants:
            for support in variant.support:
                table.add_row(
                    entry.id,
                    variant.name,
                    support.backend,
                    support.status.replace("_", " "),
                    ", ".join(f"{count} {name}" for name, count in support.fallback.items()),
                    "; ".join(
                        f"{b.count} {b.operator}: {b.reason}" if b.operator else b.reason for b in support.blockers
                    ),
                    ", ".join(observed_by_browser(variant, support)) or "not yet",
                )
    return table


def observed_by_browser(variant: VariantEntry, support: BackendSupport) -> Iterator[str]:
    """What each browser did with the file on that backend, in words."""
    for seen in variant.observations:
        if seen.backend == support.backend:
            differs = " (predicted otherwise)" if seen.status != support.status else ""
            yield f"{seen.browser} {seen.browser_version} {seen.status.replace('_', ' ')}{differs}"


def _built(entry: ModelEntry | None) -> str:
    return f"{entry.weights.kind} weights" if entry else "no"


def _matrix(entry: ModelEntry | None, symbols: Symbols) -> str:
    if entry is None:
        return ""
    variant = entry.variants[0]
    parts = []
    for support in variant.support:
        differs = any(o.backend == support.backend and o.status != support.status for o in variant.observations)
        parts.append(f"{support.backend} {symbols.of(support.status)}{symbols.otherwise if differs else ''}")
    return "  ".join(parts) or "?"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
