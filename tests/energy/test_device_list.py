"""The device list: everything is on it, and it fits."""

from __future__ import annotations

import json

import pytest

from nengo_spikecost.energy import devices
from nengo_spikecost.energy.constant_list import amount, numbered_sources, range_words
from nengo_spikecost.energy.device import CONSTANTS, Constant, Device
from nengo_spikecost.energy.shown.device_list import (
    blocks,
    constant_name,
    device_list,
    device_table,
    to_json,
)
from nengo_spikecost.layout import si
from nengo_spikecost.layout.text import to_text


@pytest.fixture(scope="module")
def shipped():
    table = devices.read_devices(devices.DEVICE_FILE)
    return [table.get(name) for name in table.names()], table.presets()


def test_device_table(shipped):
    lines = to_text(device_table(shipped[0])).split("\n")
    assert next(line for line in lines if line.startswith("loihi ")).split() == [
        "loihi", "spikes", "23.6", "pJ", "81.0", "pJ", "-", "simulated",
    ]  # fmt: skip
    assert "64.4 mW" in next(line for line in lines if line.startswith("truenorth"))


@pytest.mark.parametrize("line_length", [80, 98, 130])
def test_the_list_says_everything_and_fits(shipped, line_length):
    text = device_list(*shipped, line_length)
    assert max(map(len, text.split("\n"))) <= line_length
    words = " ".join(text.split())
    for device in (*shipped[0], *(device for _, device in shipped[1])):
        assert " ".join(device.note.split()) in words
        for name, constant in device.constants().items():
            shown = f"{constant_name(name)} {amount(constant)} {range_words(constant)}".rstrip()
            assert f"{shown} {constant.evidence} {constant.year} [" in words
            assert constant.note in words
            # sources and operations that devices share are there once
            assert words.count(constant.source) == 1
    assert words.count("int8_add") == 1


def test_operations_have_a_block_for_each_table():
    def device(name, **operations):
        made = {key: Constant(value) for key, value in operations.items()}
        return Device(name, True, Constant(1.0), Constant(1.0), operations=made)

    found = blocks([device("a", add=1), device("b", add=2), device("c", add=1), device("d")])
    assert [block.title for block in found] == [
        "a", "b", "c", "d", "Operations of a, c", "Operations of b",
    ]  # fmt: skip
    assert [set(block.constants) for block in found[-2:]] == [{"add"}, {"add"}]
    preset = ("lemaire", device("a", add=3))
    *_, last = blocks([device("a", add=1)], [preset])
    assert last.title == "Operations of a with cost_model='lemaire'"
    assert last.constants["add"].value == 3
    # without a source there is no number
    assert numbered_sources(found) == {}
    assert "user" in device_list([device("a")])


def test_the_process_node_or_that_it_is_not_known(shipped):
    about = {block.title: block.about for block in blocks(*shipped)}
    assert about["loihi"] == "Intel Loihi, 14 nm, works on spikes"
    assert about["arm"] == "ARM Cortex-A, process node not known, works on dense passes"


@pytest.mark.parametrize(
    ("constant", "words"),
    [
        (Constant(2.0, 1.0, 3.0), "1.00 to 3.00 J"),
        (Constant(2.0, 0.5, 3.0), "500 mJ to 3.00 J"),
        (Constant(2.0, high=3.0, unit="W"), "2.00 to 3.00 W"),
        (Constant(2.0, 0.0, 2.0), "0 to 2.00 J"),
        (Constant(2.0), ""),
    ],
)
def test_ranges(constant, words):
    assert range_words(constant) == words


def test_names():
    assert [constant_name(name) for name in CONSTANTS] == [
        "synaptic operation", "neuron update", "spike", "static power", "step time",
        "layer time",
    ]  # fmt: skip
    assert constant_name("int8_add") == "int8_add"


def test_json(shipped):
    content = json.loads(to_json(*shipped))
    assert content["format"] == "nengo-spikecost/devices/1"
    found = {device["name"]: device for device in content["devices"]}
    assert list(found) == [device.name for device in shipped[0]]
    assert found["truenorth"]["static_power"]["value"] == 64.43e-3
    assert found["digital"]["operations"]["int32_mul"]["source"].startswith("Horowitz")
    assert content["presets"][0]["cost_model"] == "kerasspiking"
    assert si.si(content["presets"][0]["energy_per_synop"]["value"], "J") == "27.1 pJ"
