"""The device table: names, registration, files, and the evidence of what is shipped."""

from __future__ import annotations

import re
import warnings

import pytest

from nengo_spikecost.energy import cost_models, device_files, devices
from nengo_spikecost.energy.device import EVIDENCE, Constant, Device
from nengo_spikecost.energy.device_files import DEVICE_FILE
from nengo_spikecost.energy.peers.lemaire.operations import (
    OperationTable,
    has_operation_table,
    operation_table,
)
from nengo_spikecost.errors import EnergyError, OverwriteWarning, UnknownDeviceError


@pytest.fixture(autouse=True)
def fresh_table(monkeypatch):
    """Devices registered in a test are forgotten after it."""
    monkeypatch.setattr(devices, "_table", None)


SHIPPED = [
    "cpu", "gpu", "cpu_single", "gpu_single", "jetson_tx1", "movidius", "arm", "digital", "loihi",
    "loihi_silicon", "truenorth", "odin", "spinnaker", "spinnaker2", "digital_snn",
]  # fmt: skip


def test_shipped_devices():
    assert devices.names() == SHIPPED
    for name in SHIPPED:
        device = devices.get(name)
        assert device.description and device.note
        for constant in device.constants().values():
            assert constant.source and 2010 < constant.year < 2027
            assert constant.evidence not in ("user", "preset")
    for cost_model, device in devices.presets():
        assert cost_model in cost_models.cost_model_names()
        for constant in device.constants().values():
            assert constant.source and constant.year and constant.evidence == "preset"


def test_the_file_explains_every_word_and_uses_every_name():
    text = DEVICE_FILE.read_text(encoding="utf-8")
    head = text[: text.index("[sources")]
    for word in EVIDENCE:
        assert f"#   {word} " in head
    content = device_files.shipped()
    assert set(re.findall(r'source = "(\w+)"', text)) == set(content.sources)
    assert set(re.findall(r'operations = "(\w+)"', text)) == set(content.operations)


def test_constants_that_share_a_source_share_its_year():
    found = [devices.get(name) for name in SHIPPED] + [device for _, device in devices.presets()]
    origins = {(c.source, c.year) for device in found for c in device.constants().values()}
    assert len(origins) == len({source for source, _ in origins})


@pytest.mark.parametrize("name", ["digital", "digital_snn"])
def test_digital_devices_are_made_of_their_operations(name):
    device = devices.get(name)
    of = {key: constant.value for key, constant in device.operations.items()}
    mac = not device.spiking
    synop = device.energy_per_synop
    assert synop.value == pytest.approx(of["int8_add"] + mac * of["int8_mul"])
    assert synop.high == pytest.approx(of["fp32_add"] + mac * of["fp32_mul"])
    assert device.energy_per_neuron.value == of["int8_add"]
    assert has_operation_table(device)
    # a table of formulas has the same numbers as a default
    table = operation_table(device)
    assert table == OperationTable()


def test_loihi_is_davies_table_2_and_kerasspikings_only_for_that_cost_model():
    loihi = devices.get("loihi")
    assert (loihi.energy_per_synop_J, loihi.energy_per_neuron_J) == (23.6e-12, 81e-12)
    assert loihi.energy_per_synop.evidence == "simulated"
    assert devices.get("loihi", "kerasspiking").energy_per_synop_J == 27.1e-12
    assert devices.get("cpu", "kerasspiking") == devices.get("cpu")


@pytest.mark.parametrize("name", ["MyChip", "mychip", " MYCHIP "])
def test_case_matters_on_neither_side(name):
    devices.register_device("MyChip", 1e-12, 2e-12, True, source="datasheet")
    assert devices.get(name).energy_per_neuron_J == 2e-12
    assert devices.get(name).energy_per_synop.source == "datasheet"
    assert devices.names()[-1] == "MyChip"


def test_a_device_of_the_users_replaces_the_shipped_one_and_its_preset():
    with pytest.warns(OverwriteWarning, match="'Loihi' is already registered"):
        devices.register_device("Loihi", 1e-12, 1e-12, True)
    assert devices.get("loihi", "kerasspiking").energy_per_synop_J == 1e-12


def test_unknown_devices():
    with pytest.raises(UnknownDeviceError, match=r"no device 'tpu'; there are cpu, gpu"):
        devices.get("tpu")


@pytest.mark.parametrize("energy", [-1e-12, float("nan"), float("inf"), "1 pJ", None, True])
def test_impossible_energies(energy):
    with pytest.raises(EnergyError, match="Device 'x': energy_per_synop: A constant is a finite"):
        devices.register_device("x", energy, 1e-12, True)
    assert "x" not in devices.names()


def test_faulty_devices():
    with pytest.raises(EnergyError, match="spiking must be True or False"):
        Device("x", "yes", Constant(1e-12), Constant(1e-12))
    with pytest.raises(EnergyError, match="needs a name"):
        Device(" ", True, Constant(1e-12), Constant(1e-12))
    with pytest.raises(EnergyError, match="does not hold"):
        Constant(1e-12, low=2e-12)
    with pytest.raises(EnergyError, match="evidence must be one of"):
        Constant(1e-12, evidence="rumour")
    with pytest.raises(EnergyError, match="source must be a text, not 3"):
        Constant(1e-12, source=3)
    with pytest.raises(EnergyError, match="year must be a whole number, not True"):
        Constant(1e-12, year=True)
    with pytest.raises(EnergyError, match="'x': operations must be a mapping"):
        Device("x", True, Constant(1e-12), Constant(1e-12), operations=3)
    with pytest.raises(EnergyError, match="'x': no operation can be named 'step_time'"):
        Device("x", True, Constant(1.0), Constant(1.0), operations={"step_time": Constant(1.0)})


def test_registered_devices_may_have_plain_numbers():
    device = devices.register_device(
        "x", 1e-12, 2e-12, True, source="data sheet", static_power=1e-3, energy_per_spike=3e-12,
        step_time=Constant(1e-5, unit="s"), operations={"dram": 1e-9}, note="no host",
    )  # fmt: skip
    assert device.static_power == Constant(1e-3, unit="W", source="data sheet")
    assert device.energy_per_spike.value == 3e-12 and device.step_time.source == ""
    assert device.operations["dram"].source == "data sheet" and device.note == "no host"
    with pytest.raises(EnergyError, match="'y': static_power: A constant is a finite number of W"):
        devices.register_device("y", 1e-12, 2e-12, True, static_power=-1)
    with pytest.raises(EnergyError, match=r"'y': operations\.dram: A constant is"):
        devices.register_device("y", 1e-12, 2e-12, True, operations={"dram": "much"})


def test_devices_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        "[Chip]\nspiking = true\nenergy_per_synop = 1e-12\n"
        'energy_per_neuron = {J = 2e-12, source = "paper", year = 2020, evidence = "measured"}\n'
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert devices.load_devices(path) == ["Chip"]
    assert devices.get("chip").energy_per_neuron.year == 2020


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spiking", "Cannot read devices"),
        ("[a]\nspiking = true\nenergy_per_synop = 1", "'a' in .* lacks energy_per_neuron"),
        ("a = 3", "'a' in .* must be a table"),
        (
            "[a]\nspiking = true\nenergy_per_synop = -1\nenergy_per_neuron = 1",
            "'a' in .*: energy_per_synop: A constant is a finite",
        ),
        (
            "[a]\nspiking = true\nenergy_per_synop = 1\nenergy_per_neuron = 1\ncolour = 'red'",
            "'a' in .* has unknown colour",
        ),
        (
            "[a]\nspiking = true\nenergy_per_synop = {J = 1, unit = 'pJ'}\nenergy_per_neuron = 1",
            "'a' in .*unit",
        ),
        (
            "[a]\nspiking = true\nenergy_per_synop = {J = 1, year = 2020-01-01}\n"
            "energy_per_neuron = 1",
            "'a' in .*year must be a whole number",
        ),
        ("[presets]\nkerasspiking = 3", "presets.kerasspiking in .* must be a table, not 3"),
        (
            "[presets.kerasspiking.good]\nspiking = true",
            "'presets.kerasspiking.good' in .* lacks energy_per_synop, energy_per_neuron",
        ),
        (
            "[presets.kerasspiking.bad]\nspiking = true\nenergy_per_synop = 1\n"
            "energy_per_neuron = 1",
            "presets.kerasspiking.bad in .*mine.toml': there is no device 'bad'",
        ),
        (
            "[presets.kerasspikin.good]\nspiking = true\nenergy_per_synop = 1\n"
            "energy_per_neuron = 1",
            "presets.kerasspikin.good in .*: there is no cost model 'kerasspikin'",
        ),
        (
            "operations = 'mine'",
            "'good' in .*: operations: there is no table 'mine'; there are horowitz",
        ),
        ("operations = 3", "'good' in .*: operations must be a table or the name of one"),
        ("operations = {dram = -1}", "'good' in .*: operations.dram: A constant is a finite"),
        ("static_power = {J = 1}", "'good' in .*: static_power has unknown J; it takes W, low_W"),
        ("step_time = {low_s = 1}", "'good' in .*: step_time lacks s"),
        ("[sources]\na = 3", "sources.a in .* must be a table, not 3"),
        ("[sources.a]\nyear = 2020", "sources.a in .* takes text and year"),
        ("[operations]\na = 3", "operations.a in .* must be a table, not 3"),
    ],
)
def test_faulty_files_add_nothing(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text("[good]\nspiking = true\nenergy_per_synop = 1\nenergy_per_neuron = 1\n" + text)
    if text.startswith("a ="):
        path.write_text(text)
    with pytest.raises(EnergyError, match=message):
        devices.load_devices(path)
    assert "good" not in devices.names()


GOOD = "spiking = true\nenergy_per_synop = 1\nenergy_per_neuron = 1\n"


def test_presets_of_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(f"[Chip]\n{GOOD}[presets.kerasspiking.chip]\n{GOOD.replace('1', '2')}")
    assert devices.load_devices(path) == ["Chip"]
    assert devices.get("chip").energy_per_synop_J == 1
    assert devices.get("Chip", "kerasspiking").energy_per_synop_J == 2
    with pytest.warns(OverwriteWarning, match="'loihi' has a preset for 'kerasspiking' already"):
        path.write_text(f"[presets.kerasspiking.loihi]\n{GOOD}")
        assert devices.load_devices(path) == []
    assert devices.get("loihi", "kerasspiking").energy_per_synop_J == 1
    assert devices.get("loihi").energy_per_synop_J == 23.6e-12
    # the file's device and its preset both replace what was there
    with pytest.warns(OverwriteWarning, match="'Loihi' is already registered"):
        path.write_text(f"[Loihi]\n{GOOD}[presets.kerasspiking.loihi]\n{GOOD.replace('1', '3')}")
        devices.load_devices(path)
    assert devices.get("loihi").energy_per_synop_J == 1
    assert devices.get("loihi", "kerasspiking").energy_per_synop_J == 3


def test_sources_and_operations_of_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[sources]\npaper = {text = "A paper", year = 2021}\nweb = "A page"\n'
        '[operations.mine]\nsource = "paper"\nevidence = "measured"\nadd = 1\n'
        'mul = {J = 2, high_J = 3, source = "web", year = 2022}\n'
        f'[a]\noperations = "mine"\n{GOOD}[b]\noperations = "horowitz"\n{GOOD}'
        f'[c]\n{GOOD}static_power = {{W = 2, source = "davies", year = 2019}}\n'
    )
    table = devices.read_devices(path)
    add, mul = table.get("a").operations.values()
    assert (add.value, add.source, add.year, add.evidence) == (1, "A paper", 2021, "measured")
    assert (mul.high, mul.source, mul.year, mul.evidence) == (3, "A page", 2022, "user")
    assert table.get("b").operations == devices.get("digital").operations
    power = table.get("c").static_power
    assert power.source.startswith("Davies") and (power.year, power.unit) == (2019, "W")


def test_missing_file(tmp_path):
    with pytest.raises(EnergyError, match="Cannot read devices"):
        devices.load_devices(tmp_path / "none.toml")


def test_files_that_are_no_table_of_devices(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EnergyError, match="Cannot read devices"):
        devices.load_devices(path)
    path.write_text("presets = 3")
    with pytest.raises(EnergyError, match=r"presets in .* must be a table, not 3"):
        devices.load_devices(path)


def test_devices_that_are_priced_when_none_is_asked_for():
    def select(wanted, spikes=True, can_price=lambda device: True):
        found = devices.select(
            wanted, spikes=spikes, can_price=can_price, cost_model="per_operation"
        )
        return [device.name for device in found]

    assert select(None) == ["cpu", "gpu", "arm", "loihi", "spinnaker", "spinnaker2"]
    assert select(None, spikes=False) == ["cpu", "gpu", "arm"]
    assert select("all") == devices.names()
    assert select("ODIN") == select(devices.get("odin")) == ["odin"]
    assert select(["odin", "cpu"]) == ["odin", "cpu"]
    # where none of the usual ones has a price, all that have one
    assert select(None, can_price=lambda d: "digital" in d.name) == ["digital", "digital_snn"]
    devices.register_device("mine", 1e-12, 1e-12, True)
    assert "mine" in select(None)
    with pytest.raises(UnknownDeviceError):
        select(["odin", "tpu"])


def test_faulty_sizes_and_defaults():
    energies = Constant(1e-12), Constant(1e-12)
    with pytest.raises(EnergyError, match="neurons_per_chip must be a whole number"):
        Device("x", True, *energies, neurons_per_chip=0)
    with pytest.raises(EnergyError, match="by_default must be True or False"):
        Device("x", True, *energies, by_default="no")


def test_another_voltage():
    """Energies and powers by its square, ranges too; times and all else stay."""
    device = devices.get("truenorth")
    found = device.at_voltage(0.4, 0.8)
    assert found.energy_per_synop_J == pytest.approx(device.energy_per_synop_J / 4)
    assert found.static_power.lowest == pytest.approx(device.static_power.lowest / 4)
    assert found.static_power.highest == pytest.approx(device.static_power.highest / 4)
    assert found.step_time == device.step_time
    assert found.at_voltage(0.8, 0.4).energy_per_synop == device.energy_per_synop
    assert (found.name, found.note) == (device.name, device.note)
    digital = devices.get("digital")
    add = next(iter(digital.operations))
    doubled = digital.at_voltage(1.8, 0.9).operations[add]
    assert doubled.value == pytest.approx(4 * digital.operations[add].value)
    with pytest.raises(EnergyError, match="volts must be"):
        device.at_voltage(0, 0.8)
    with pytest.raises(EnergyError, match="measured_at must be"):
        device.at_voltage(0.8, -1)
