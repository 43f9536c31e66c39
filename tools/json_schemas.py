"""Write the JSON Schemas of all files that the package writes, into ``nengo_spikecost/schemas``.

    python tools/json_schemas.py

Each file stands alone. What is in which file say ``schema_chips.py``, ``schema_energy.py``,
``schema_loihi.py``, ``schema_tuning.py`` and what they share, ``schema_parts.py``, in a notation
that is shorter than JSON Schema and can be read:

``"number|null: Energy in J."``
    Types of JSON, and what the value is.
``"@device: That of the spiking network."``
    One of the shared parts.
``"=nengo-spikecost/sweep/1"``
    This text and no other.
``("What it is.", "fresh", "continuous")``
    One of some texts.
``("anyOf", one, other)``
    Either of some values.
``[item, "What the list is."]``
    A list; with a third item ``"?"``, or null.
``{"": "What it is.", "key": value, "key?": value}``
    An object; ``key?`` may be missing. ``"*"`` stands for any other key, which is somebody's name;
    ``"~regex"`` for keys that match; ``"?": True`` says that it may be null.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schema_chips import CHIP_FORMATS
from schema_energy import ENERGY_FORMATS
from schema_loihi import LOIHI_FORMATS
from schema_parts import DEFINITIONS
from schema_tuning import TUNING_FORMATS

FORMATS = {**CHIP_FORMATS, **ENERGY_FORMATS, **LOIHI_FORMATS, **TUNING_FORMATS}

FOLDER = Path(__file__).resolve().parents[1] / "nengo_spikecost" / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema(value: Any) -> dict[str, Any]:
    """JSON Schema of a value in the notation of this file."""
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, tuple):
        if value[0] == "anyOf":
            return {"anyOf": [schema(one) for one in value[1:]]}
        return {"description": value[0], "type": "string", "enum": list(value[1:])}
    if isinstance(value, list):
        kind = ["array", "null"] if value[2:] == ["?"] else "array"
        return {"description": value[1], "type": kind, "items": schema(value[0])}
    return _object(value)


def _plain(text: str) -> dict[str, Any]:
    if text.startswith("="):
        return {"description": "Name and version of the format.", "const": text[1:]}
    kinds, _, words = text.partition(": ")
    first, *rest = kinds.split("|")
    if first.startswith("@"):
        ref = {"$ref": f"#/$defs/{first[1:]}"}
        if rest:
            return {"description": words, "anyOf": [ref, {"type": "null"}]}
        return {"description": words, **ref}
    if first == "any":
        return {"description": words}
    return {"description": words, "type": [first, *rest] if rest else first}


def _object(parts: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {"description": parts[""]} if "" in parts else {}
    own["type"] = ["object", "null"] if parts.get("?") else "object"
    named = {k: v for k, v in parts.items() if k not in ("", "?", "*") and not k.startswith("~")}
    if named:
        own["properties"] = {key.rstrip("?"): schema(value) for key, value in named.items()}
        own["required"] = [key for key in named if not key.endswith("?")]
    patterns = {key[1:]: schema(value) for key, value in parts.items() if key.startswith("~")}
    if patterns:
        own["patternProperties"] = patterns
    if "*" in parts:
        own["additionalProperties"] = schema(parts["*"])
    return own


def _used(content: dict[str, Any], known: dict[str, Any]) -> set[str]:
    """The shared parts that a schema refers to, and those that they refer to."""
    found: set[str] = set()
    waiting = [content]
    while waiting:
        text = json.dumps(waiting.pop())
        new = {name for name in known if f'"#/$defs/{name}"' in text} - found
        found |= new
        waiting += [known[name] for name in new]
    return found


def documents() -> dict[str, str]:
    """The text of every file, by its name."""
    known = {name: schema(part) for name, part in DEFINITIONS.items()}
    texts = {}
    for name, (writers, content) in FORMATS.items():
        own = _object(content)
        document: dict[str, Any] = {
            "$schema": DRAFT,
            "$id": "urn:" + content["format"][1:].replace("/", ":"),
            "title": content["format"][1:],
            "description": f"Written by {writers}.",
            **own,
        }
        used = _used(own, known)
        if used:
            document["$defs"] = {part: known[part] for part in known if part in used}
        texts[f"{name}.json"] = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return texts


def main() -> None:
    texts = documents()
    for path in FOLDER.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(texts)} schemas in {FOLDER}")


if __name__ == "__main__":
    main()
