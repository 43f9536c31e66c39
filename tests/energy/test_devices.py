"""The device table: names, registration, files, and the evidence of what is shipped."""

from __future__ import annotations

import warnings

import pytest

from nengo_spikecost.energy import devices
from nengo_spikecost.energy.device import EVIDENCE, Constant, Device
from nengo_spikecost.errors import EnergyError, OverwriteWarning, UnknownDeviceError


@pytest.fixture(autouse=True)
def fresh_table(monkeypatch):
    """Devices registered in a test are forgotten after it."""
    monkeypatch.setattr(devices, "_table", None)


def test_shipped_devices():
    assert devices.names() == ["cpu", "gpu", "arm", "loihi", "spinnaker", "spinnaker2"]
    for name in devices.names():
        device = devices.get(name)
        for constant in (device.energy_per_synop, device.energy_per_neuron):
            assert constant.source
            assert constant.evidence in EVIDENCE
            assert constant.evidence not in ("user", "preset")


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
    with pytest.raises(EnergyError, match="Device 'x': A constant is a finite number of J"):
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
            "'a' in .*: A constant is a finite",
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
