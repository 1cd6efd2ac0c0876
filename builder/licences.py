"""Under which terms the weights come: the catalogue's sources, and the models that were added. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from rich.table import Column, Table

from builder.catalogue import CATALOGUE
from builder.listing import added_models, built_models
from builder.records import ModelEntry

SEEDED_NOTE = "Seeded weights are random numbers made here: they come from nobody's file and carry nobody's licence, and predict nothing."


def licences_table(out: Path) -> Table:
    """One row a model: its weights file, their licence and citation, and what the build in `out`, if there is one, is made with."""
    built = built_models(out)
    table = Table(Column("id", no_wrap=True), "weights file", "licence", "built with", "citation")
    for spec in CATALOGUE:
        source = spec.weights
        table.add_row(spec.id, source.file_name, source.licence, _kind(built.get(spec.id)), source.citation)
    for entry in added_models(built):
        weights = entry.weights
        table.add_row(entry.id, weights.origin, weights.licence, _kind(entry), weights.citation)
    return table


def _kind(entry: ModelEntry | None) -> str:
    return f"{entry.weights.kind} weights" if entry else "not built"
