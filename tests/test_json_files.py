"""Every file of JSON has a schema and says which; `conftest` holds all that tests write to it."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from nengo_spikecost import errors, schemas
from nengo_spikecost.checkpoints import Checkpoint
from nengo_spikecost.energy import devices
from nengo_spikecost.energy.shown import device_list
from tests.json_files import check_json

ROOT = Path(__file__).parents[1]


def test_every_format_has_a_schema_in_its_version():
    sources = (path.read_text() for path in (ROOT / "nengo_spikecost").rglob("*.py"))
    written = {
        name for text in sources for name in re.findall(r'"(nengo-spikecost/.+?/\d+)"', text)
    }
    assert {schemas.json_schema(kind)["title"] for kind in schemas.kinds()} == written
    for name in written:
        assert schemas.json_schema(name)["properties"]["format"]["const"] == name


@pytest.mark.parametrize("kind", schemas.kinds())
class TestSchema:
    def test_it_is_one_of_draft_2020_12(self, kind):
        schema = schemas.json_schema(kind)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        Draft202012Validator.check_schema(schema)
        references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema)))
        assert references == {f"#/$defs/{name}" for name in schema.get("$defs", ())}

    def test_keys_are_identifiers_and_all_are_described(self, kind):
        waiting = [schemas.json_schema(kind)]
        while waiting:
            schema = waiting.pop()
            for key, part in {**schema.get("properties", {}), **schema.get("$defs", {})}.items():
                assert key.isidentifier() and part["description"].strip(), key
                waiting.append(part)
            nested = schema.get("items"), schema.get("additionalProperties")
            waiting += [part for part in nested if isinstance(part, dict)]


def test_files_are_those_that_the_tool_writes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    spec = importlib.util.spec_from_file_location("json_schemas", ROOT / "tools/json_schemas.py")
    tool = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "json_schemas", tool)
    spec.loader.exec_module(tool)
    shipped = {path.name: path.read_text(encoding="utf-8") for path in tool.FOLDER.glob("*.json")}
    assert shipped == tool.documents()


def test_what_is_asked_for_wrongly_is_said():
    with pytest.raises(errors.DataError, match=r"kind must be .*activity"):
        schemas.json_schema("abacus")
    with pytest.raises(errors.DataError, match=r"/sweep/1, .* nengo-spikecost/sweep/99"):
        schemas.json_schema("nengo-spikecost/sweep/99")


def test_devices():
    listed = [devices.get(name) for name in devices.names()]
    check_json(device_list.to_dict(listed, devices.presets()))


def test_a_checkpoint_says_what_it_is_and_those_of_before_are_read(tmp_path):
    Checkpoint(tmp_path, {"n_steps": 10, "digest": "0" * 64})
    path = tmp_path / "arguments.json"
    content = json.loads(path.read_text())
    check_json(content)
    # before formats had names, the same file said "format": 2
    path.write_text(json.dumps({**content, "format": 2}))
    assert Checkpoint(tmp_path, {"n_steps": 10, "digest": "0" * 64}).n_done() == 0
    path.write_text(json.dumps({**content, "format": 1}))
    with pytest.raises(errors.DataError, match="format=1, not 'nengo-spikecost/checkpoint/2'"):
        Checkpoint(tmp_path, {"n_steps": 10, "digest": "0" * 64})


def test_a_key_that_nobody_described_is_seen():
    content = json.loads(json.dumps(device_list.to_dict([devices.get("cpu")])))
    content["devices"][0]["colour"] = "green"
    with pytest.raises(AssertionError, match=r"devices/0: .*colour"):
        check_json(content)
    # but a reader of ours or of others takes it
    Draft202012Validator(schemas.json_schema("devices")).validate(content)
