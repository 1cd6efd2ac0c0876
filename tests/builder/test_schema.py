"""docs/manifest.schema.json: the manifest's form for those who do not read Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from builder import manifest
from builder.__main__ import main
from builder.manifest import FILE_NAME
from tests.builder.commands import ROOT

PUBLISHED = ROOT / "docs" / "manifest.schema.json"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(PUBLISHED.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture
def content(tiny_zoo: Path) -> Any:
    return json.loads((tiny_zoo / FILE_NAME).read_bytes())


def test_the_published_schema_is_the_one_that_the_records_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert PUBLISHED.read_text(encoding="utf-8") == capsys.readouterr().out, (
        "run: python -m builder schema > docs/manifest.schema.json"
    )


def test_a_real_manifest_fits(validator: jsonschema.Draft202012Validator, content: Any) -> None:
    validator.validate(content)
    assert content["models"]


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        (lambda m: m.pop("content_sha256"), "content_sha256"),
        (lambda m: m.update(schema_version=1), "2 was expected"),
        (lambda m: m.update(more=1), "more"),
        (lambda m: m["models"][0].pop("weights"), "weights"),
        (lambda m: m["models"][0]["weights"].update(kind="borrowed"), "borrowed"),
        (lambda m: m["models"][0]["variants"][0].update(opset=22), "22"),
        (lambda m: m["models"][0]["variants"][0].update(sha256="0" * 63), "0000"),
        (lambda m: m["models"][0]["input"].update(shape=[1, 0]), "0"),
        (lambda m: m["models"][0].pop("tools"), "tools"),
    ],
)
def test_what_the_builder_would_refuse_does_not_fit(
    damage: Callable[[Any], object], where: str, validator: jsonschema.Draft202012Validator, content: Any
) -> None:
    damage(content)
    errors = [error.message for error in validator.iter_errors(content)]
    assert errors
    assert any(where in message for message in errors)


@pytest.mark.parametrize(
    "path",
    ["../../etc", "/etc/passwd", "echo/../x", "echo/..", "echo//x", "echo/", "", ".hidden", "echo\\x", "a b"],
)
def test_neither_the_schema_nor_the_reader_takes_a_path_out_of_the_folder(
    path: str, validator: jsonschema.Draft202012Validator, content: Any
) -> None:
    whole = manifest.parse(json.dumps(content).encode(), "a test")
    assert content["models"][0]["labels"]["path"] == "echo/labels.json"
    content["models"][0]["labels"]["path"] = path
    errors = list(validator.iter_errors(content))
    assert [list(error.path) for error in errors] == [["models", 0, "labels", "path"]]
    with pytest.raises(ValidationError, match=r"labels\.path"):
        type(whole).model_validate({k: v for k, v in content.items() if k != manifest.CHECKSUM})
