"""Files of earlier versions of the package are read, and of later ones refused.

The files in ``earlier_files`` were written by --json when their formats were at that version, and
stay as they are; the values are those that one reads in them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from nengo_spikecost import schemas
from nengo_spikecost.cli.carried import read_setting, read_shapes
from nengo_spikecost.errors import DataError

FOLDER = Path(__file__).parent / "earlier_files"
FILES = sorted(FOLDER.glob("*.json"))


def of(name):
    return str(FOLDER / f"{name}.json")


def test_scales():
    tuned = read_setting(of("firing-rates-1"))
    assert tuned.scales == {"conv0": 217.8, "conv1": 205.3, "dense0": 382.6} and not tuned.others
    assert read_setting(of("fine-tuning-1")).scales == dict.fromkeys(tuned.scales, 150.0)


def test_the_best_setting_of_a_sweep():
    # both are within its one loss of 0.9, and this one has less energy
    best = read_setting(of("sweep-1"))
    assert best.scales == {"conv0": 192.5, "conv1": 345.2, "dense0": 485.1}
    assert best.others["n_steps"] == 12 and best.others["synapse"] == 0.005
    assert best.others["neuron_type"] == "LoihiSpikingRectifiedLinear"


def test_block_shapes():
    shapes = {"conv1": ((2, 2, 4), (2, 2, 4)), "dense0": ((6,), (6,))}
    assert read_shapes(of("block-fit-1")) == shapes


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_of_this_version_they_are_as_the_schema_says(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    schema = schemas.json_schema(content["format"].split("/")[1])
    if schema["title"] == content["format"]:
        Draft202012Validator(schema).validate(content)


@pytest.mark.parametrize("version", ["99", "1b", ""])
def test_of_a_later_version_they_are_refused(version, tmp_path):
    content = json.loads(Path(of("firing-rates-1")).read_text(encoding="utf-8"))
    later = {**content, "format": f"nengo-spikecost/firing-rates/{version}"}
    (tmp_path / "tune.json").write_text(json.dumps(later))
    with pytest.raises(
        DataError, match=r"tune\.json is of format .* reads .*firing-rates/1 and ea"
    ):
        read_setting(str(tmp_path / "tune.json"))
