"""``nengo-spikecost chips`` and `chips.listed`."""

from __future__ import annotations

import json

import pytest

from nengo_spikecost import chips, errors
from nengo_spikecost.layout.si import si
from tests.commands import runner_in


@pytest.fixture()
def run(tmp_path, monkeypatch):
    return runner_in(tmp_path, monkeypatch)


def test_all_chips_one_a_line(run):
    done = run("chips")
    assert done.exit_code == 0, done.stderr
    assert all(name in done.stdout for name in chips.names())
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", chips.names())
def test_of_one_every_number_and_its_source(run, tmp_path, name):
    done = run("chips", name, "--json", "c.json", "--html", "c.html")
    assert done.exit_code == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80
    chip = chips.get(name)
    for reason in chip.refused.values():
        assert reason[1:].rstrip(".") in text
    numbers = [si(value, "W") for p in chip.powers for value in (p.W, p.low_W, p.high_W)]
    numbers += [] if chip.clock_Hz is None else [f"Clock: {si(chip.clock_Hz, 'Hz')} by default"]
    origins = [*chip.limits, *chip.powers, *([] if chip.step is None else [chip.step])]
    sources = [str(x.origin) for x in origins] + [str(chip.clock_origin or "")]
    for words in (*numbers, *sources, *(x.origin.note for x in origins)):
        # a long name of a file may be broken at the end of a line
        assert "".join(words.split()) in "".join(text.split())
    (content,) = json.loads((tmp_path / "c.json").read_text())["chips"]
    assert [x["quantity"] for x in content["limits"]] == [x.quantity for x in chip.limits]
    assert all(x["source"] for x in (*content["limits"], *content["powers"]))


def test_a_name_that_there_is_not(run):
    done = run("chips", "abacus")
    assert done.exit_code == 2 and "the chips are xylo_audio2" in done.stderr
    with pytest.raises(errors.ChipError, match="list of names"):
        chips.listed(3)


def test_rows_and_frames():
    found = chips.listed(["speck2f"])
    assert len(found.to_frame()) == len(chips.get("speck2f").limits)
    assert "layers_without_core" in found.to_csv()
