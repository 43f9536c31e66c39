"""JSON that the package writes, held against its schemas by a validator that is not ours."""

from __future__ import annotations

import functools
import json
from typing import Any

from jsonschema import Draft202012Validator

from nengo_spikecost import schemas


def closed(schema: Any) -> Any:
    """A schema that allows no keys but those it describes.

    Readers pass over keys they don't know, so the shipped schemas allow them; what we write must
    be in them.
    """
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: closed(value) for key, value in schema.items()}
    if "properties" in own and isinstance(own["properties"], dict) and "type" in own:
        own.setdefault("additionalProperties", False)
    return own


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(closed(schemas.json_schema(name)))


def check_json(content: Any) -> None:
    """Assert that what a file holds is all in the schema of its format, if it is one of ours."""
    name = content.get("format", "") if isinstance(content, dict) else ""
    if not name.startswith("nengo-spikecost/"):
        return
    wrong = [
        f"{'/'.join(map(str, error.absolute_path)) or 'the file'}: {error.message[:200]}"
        for first in _validator(name).iter_errors(content)
        for error in ([first, *first.context] if first.context else [first])
    ]
    assert not wrong, (
        f"{name} is not as its schema says it is; describe new keys in tools/schema_*.py and run "
        "tools/json_schemas.py:\n" + "\n".join(wrong[:8])
    )


def checked_text(json_text: Any) -> Any:
    """`layout.result.json_text`, with a check of all that it writes."""

    @functools.wraps(json_text)
    def text(content: Any) -> str:
        written = json_text(content)
        check_json(json.loads(written))
        return written

    return text
