"""``memory=`` of every call and ``--memory`` of every command: what can't fit is refused."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import memory, stack, tuning
from nengo_spikecost.activity import simulators
from nengo_spikecost.errors import LoihiError, MeasurementError, SpikeCostError, TuningError
from nengo_spikecost.loihi import Emulator, deploy, fit_blocks, preflight
from nengo_spikecost.loihi.blocks.fit_memory import fit_need
from nengo_spikecost.loihi.emulation.emulator_memory import lanes_need, results_need
from nengo_spikecost.loihi.emulation.results import Asked
from nengo_spikecost.memory import Need
from nengo_spikecost.tuning.rescaling import RescalableNetwork
from tests.commands import runner_in
from tests.models import conv_net, images
from tests.scale_out.test_emulator_shards import IMAGES, layered


@pytest.fixture(scope="module")
def data():
    model = conv_net(stack.keras())
    x = images(20)
    return model, x, model.predict_on_batch(x).argmax(axis=1)


CHIP = {"neuron_type": "LoihiSpikingRectifiedLinear"}

CALLS = {
    "profile": lambda m, x, y, **o: nsc.profile(m, x, y, **o),
    "measure on Loihi": lambda m, x, y, **o: nsc.measure(
        nsc.convert(m, **CHIP), x, 5, simulator="loihi", **o
    ),
    "measure in NengoLoihi": lambda m, x, y, **o: nsc.measure(
        nsc.convert(m, **CHIP), x, 5, simulator="nengo_loihi", **o
    ),
    "Emulator": lambda m, x, y, progress, **o: Emulator(nsc.convert(m, **CHIP), **o),
    "fit_blocks": lambda m, x, y, **o: fit_blocks(nsc.convert(m, **CHIP), **o),
    "deploy": lambda m, x, y, **o: deploy(m, x, y, **o),
    "advise": lambda m, x, y, **o: nsc.advise(m, x, y, **o),
    "preflight": lambda m, x, y, progress, **o: preflight(m, **o),
    "sweep": lambda m, x, y, **o: nsc.sweep(m, x, y, **o),
    "sweep on Loihi": lambda m, x, y, **o: nsc.sweep(m, x, y, simulator="loihi", **o),
    "tune": lambda m, x, y, **o: nsc.tune_firing_rates(m, x, **o),
    "fine_tune": lambda m, x, y, **o: tuning.fine_tune(m, x, y, batch_size=10, **o),
    "RescalableNetwork": lambda m, x, y, progress, **o: RescalableNetwork(m, **o),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_what_can_not_fit_is_refused_in_words(data, call, monkeypatch):
    monkeypatch.setattr(simulators.get("nengo_dl").__class__, "__call__", built)
    told = r"takes about [\d.]+ [kMG]B of memory, more than the 1 MB that memory= allows: .+\.$"
    with pytest.raises(SpikeCostError, match=told) as refused:
        CALLS[call](*data, memory="1 MB", progress=False)
    assert isinstance(refused.value, (LoihiError, MeasurementError, TuningError, ValueError))
    # the same where less is free
    monkeypatch.setattr(memory, "free_bytes", lambda: 10**6)
    with pytest.raises(SpikeCostError, match="more than the 1 MB that are free"):
        CALLS[call](*data, progress=False)


def built(*_):
    pytest.fail("a simulator was built")


@pytest.mark.parametrize("call", CALLS)
def test_amounts_that_are_none(data, call):
    with pytest.raises(SpikeCostError, match="memory must be a number of bytes"):
        CALLS[call](*data, memory="4 lightyears", progress=False)


COMMANDS = {
    "report": "", "compare": "", "deploy": "", "sweep": "--study s.db", "tune": "",
    "train": "--out t.h5 --batch-size 10", "fit": "", "advise": "", "check": None,
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_say_it_and_end_with_2(data, command, tmp_path, monkeypatch):
    model, x, y = data
    model.save(tmp_path / "model.h5")
    np.savez(tmp_path / "data.npz", x=x, y=y)
    run, more = runner_in(tmp_path, monkeypatch), COMMANDS[command]
    given = [] if more is None else ["--data", "data.npz", *more.split()]
    told = run(command, "model.h5", *given, "--memory", "1 MB")
    assert told.exit_code == 2, told.output
    assert "of memory, more than the 1 MB that memory= allows" in told.stderr
    assert "Traceback" not in told.output and "Traceback" not in told.stderr
    wrong = run(command, "model.h5", *given, "--memory", "much")
    assert wrong.exit_code == 2 and "memory must be a number of bytes" in wrong.stderr


# ------------------------------------------------------------------ Emulator


def test_lanes_are_as_many_as_there_is_room_for():
    net, node = layered()
    with Emulator(net) as usual:
        assert usual.batch_size == 32
        need = lanes_need(usual.model, usual.chip)
        expected = usual.run({node: IMAGES}, 20)
    built = simulators.get("loihi").need(net).fixed_bytes
    with Emulator(net, memory=built + need.total(3)) as emulator:
        assert emulator.batch_size == 3
        run = emulator.run({node: IMAGES}, 20)
    assert run.spikes.any()
    np.testing.assert_array_equal(run.spikes, expected.spikes)


def test_a_batch_size_that_has_no_room_is_refused():
    net, _ = layered()
    need = simulators.get("loihi").need(net)
    words = r"Emulating 5,000,000 samples .* smaller batch_size"
    with pytest.raises(MeasurementError, match=words):
        Emulator(net, batch_size=5_000_000, memory=need.total(100))


@pytest.mark.parametrize(
    "options, words",
    [
        ({"readout": "all"}, r'\(readout="all"\) takes .*: leave readout out, present fewer'),
        ({"by_step": True}, r"\(by_step=True\) takes .*: leave by_step out, present fewer"),
        (
            {"by_step": True, "readout": "all"},
            r'\(readout="all", by_step=True\) .*: leave readout and by_step out',
        ),
        ({}, "samples of 1,000 steps takes .*: present fewer samples at a time"),
    ],
)
def test_results_that_have_no_room_are_refused(monkeypatch, options, words):
    net, node = layered()
    with Emulator(net) as emulator:
        monkeypatch.setattr(memory, "free_bytes", lambda: 1000)
        with pytest.raises(MeasurementError, match=f"Keeping the results of 3 .*{words}"):
            emulator.run({node: IMAGES[:3]}, 1000, **options)


@pytest.mark.parametrize("readout", ["last", "all"])
@pytest.mark.parametrize("by_step", [False, True])
def test_results_take_no_more_than_was_said(readout, by_step):
    net, node = layered()
    with net:
        nengo.Probe(net.all_ensembles[-1].neurons)
    with Emulator(net, batch_size=4) as emulator:
        asked = Asked(50, "fresh", readout, by_step)
        said = results_need(emulator.chip, [p.size_in for p in emulator.probes], asked)
        run = emulator.run({node: IMAGES}, 50, readout=readout, by_step=by_step)
    kept = run.spikes.nbytes + run.messages.nbytes + run.synops.nbytes + run.axon_events.nbytes
    kept += run.with_input.nbytes + run.active.nbytes
    for output in run.outputs.values():
        kept += output.last.nbytes + output.mean.nbytes
        kept += 0 if output.steps is None else output.steps.nbytes
    if by_step:
        counts = run.by_step
        kept += sum(x.nbytes for x in counts.synops.values()) + counts.axon_events.nbytes
        kept += counts.messages_out.nbytes + counts.spikes.nbytes
        kept += counts.with_input.nbytes + counts.active.nbytes
    total = said.total(len(IMAGES))
    assert kept <= total <= 6 * kept, (kept, total)


def test_more_of_anything_takes_more():
    small, large = (net_of(n) for n in (100, 1000))
    for need in (fit_need, simulators.get("loihi").need, simulators.get("nengo_loihi").need):
        assert need(small).fixed_bytes < need(large).fixed_bytes
    assert isinstance(fit_need(small), Need)


def net_of(n):
    with nengo.Network(seed=0) as net:
        a, b = (nengo.Ensemble(n, 1) for _ in range(2))
        nengo.Connection(a.neurons, b.neurons, transform=np.ones((n, n)))
    return net
