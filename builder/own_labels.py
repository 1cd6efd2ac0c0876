"""The class names of a user's own classifier: from a file of theirs, or numbers. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path

from builder.errors import ZooError


def numbered(count: int) -> list[str]:
    """Names for classes of which nothing is known."""
    return [f"class {index}" for index in range(count)]


def read(path: Path) -> list[str]:
    """The names in a file: a JSON list of strings, or one a line. Raises ZooError for anything else."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(
            f"the labels in {path} cannot be read",
            got=error.strerror if isinstance(error, OSError) and error.strerror else str(error),
            expected="a text file in UTF-8: a JSON list of strings, or one name a line",
            next_step="check the path, or leave --labels out",
        ) from error
    if not text.lstrip().startswith(("[", "{")):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        names = json.loads(text)
    except ValueError as error:
        names, problem = None, str(error)
    else:
        problem = f"a {type(names).__name__} of other things"
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ZooError(
            f"the labels in {path} are not names",
            got=problem,
            expected="a JSON list of strings, or one name a line",
            next_step="correct the file, or leave --labels out",
        )
    return names


def fitting(names: list[str] | None, classes: int | None) -> list[str]:
    """The names for so many classes; None where the model is no classifier and has none. Raises ZooError where they do not fit."""
    if classes is None:
        if names is not None:
            raise ZooError(
                "labels are for classifiers",
                got="--labels for a model without exactly one float32 output of shape (1, classes)",
                expected="no --labels",
                next_step="leave --labels out; the outputs are then compared number by number",
            )
        return []
    if names is None:
        return numbered(classes)
    if len(names) != classes:
        raise ZooError(
            "the labels do not fit the model",
            got=f"{len(names)} names",
            expected=f"{classes}, one a class in the order of the output",
            next_step="correct the file of --labels (a background class counts too), or leave it out",
        )
    return names
