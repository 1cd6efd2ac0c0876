"""The manifest's JSON Schema, made from the records that read it, so that the two cannot differ. Imports no torch."""

from __future__ import annotations

import json

from builder.manifest import CHECKSUM
from builder.records import Manifest


def manifest_schema() -> str:
    """docs/manifest.schema.json: draft 2020-12, indented, the same bytes every time."""
    schema = Manifest.model_json_schema(mode="serialization")
    # The file holds one field more than the record: a checksum of all the others, by which an edit by hand is found out.
    schema["properties"] = {
        CHECKSUM: {
            "description": "SHA-256 of the rest as JSON with sorted keys and without spaces.",
            "pattern": "^[0-9a-f]{64}$",
            "type": "string",
        },
        **schema["properties"],
    }
    schema["required"] = [CHECKSUM, *schema["required"]]
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
