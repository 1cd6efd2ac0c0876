"""The zoo: one record a model, in classifiers.py and detectors.py. To add a model is to add a record there. Imports no torch."""

from __future__ import annotations

from builder.catalogue import classifiers, detectors
from builder.errors import ZooError
from builder.spec import ModelSpec

# Every record of the two modules, in the order in which they stand there.
CATALOGUE: tuple[ModelSpec, ...] = tuple(
    record for module in (classifiers, detectors) for record in vars(module).values() if isinstance(record, ModelSpec)
)
CATALOGUE_IDS = tuple(spec.id for spec in CATALOGUE)


def select(names: list[str]) -> tuple[ModelSpec, ...]:
    """The models of those ids, in the catalogue's order; all of them for an empty list. Raises ZooError for an unknown id."""
    known = [spec.id for spec in CATALOGUE]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ZooError(
            "unknown model",
            got=", ".join(unknown),
            expected="one of " + ", ".join(known),
            next_step="run python -m builder list to see what there is",
        )
    return tuple(spec for spec in CATALOGUE if not names or spec.id in names)
