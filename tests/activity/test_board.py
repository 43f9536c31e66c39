"""`measure` on a board, with NxSDK and the board behind a stand-in (`register_board`).

All of NengoLoihi's code for boards runs; the stand-in computes from the registers it writes.
"""

from __future__ import annotations

import nengo
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import LoihiError, MeasurementError
from tests.loihi import register_board
from tests.loihi.test_emulation import nef_network, recurrent_network

from .test_loihi_simulators import assert_same, converted, images

loihi = stack.nengo_loihi()


@pytest.fixture
def boards(monkeypatch):
    return register_board.install(monkeypatch, loihi)


def on_board(network, data, n_steps, **options):
    return nsc.measure(
        network, data, n_steps, simulator="nengo_loihi", target="loihi", progress=False, **options
    )


def emulated(network, data, n_steps, **options):
    return nsc.measure(network, data, n_steps, simulator="loihi", progress=False, **options)


@pytest.mark.parametrize("name", ["conv_with_bias", "add_before_conv", "dense"])
def test_a_board_runs_samples_one_after_another(name, boards):
    conversion = converted(name)
    found = on_board(conversion, images(3), 12)
    assert found.protocol.presentation == "continuous" and found.protocol.batch_size == 1
    assert_same(found, emulated(conversion, images(3), 12))
    # one board for all samples, and one run of it for each
    (board,) = boards
    assert board.t == 36 and board.n_runs == 3 and not board.connected


def test_fresh_sets_the_board_up_anew(boards):
    conversion = converted("conv_with_bias")
    found = on_board(conversion, images(2), 12, presentation="fresh")
    assert_same(found, emulated(conversion, images(2), 12, presentation="fresh"))
    assert [board.t for board in boards] == [12, 12]
    assert not any(board.connected for board in boards)


def test_recurrence_on_the_board(boards):
    net = recurrent_network(nengo.LIF(tau_ref=0.003))
    net.probes[:] = [probe for probe in net.probes if probe.attr == "output"]
    assert_same(on_board(net, None, 30), emulated(net, None, 30))


def test_host_and_board_step_by_step(boards):
    """What the host sends depends on the chip: programs on the board exchange spikes."""
    net = nef_network(feedback=True)
    options = {"snip_max_spikes_per_step": 200}
    found = on_board(net, None, 30, hardware_options=options)
    assert_same(found, emulated(net, None, 30))
    assert boards[0].t == 30


def test_spikes_that_a_board_would_lose_are_refused(boards):
    net = nef_network(feedback=True)
    with pytest.raises(MeasurementError, match=r"hardware_options=.*snip_max_spikes_per_step"):
        on_board(net, None, 30, hardware_options={"snip_max_spikes_per_step": 1})
    assert not boards[0].connected


def test_chips_for_all_blocks(boards):
    with nengo.Network(seed=0) as net:
        loihi.add_params(net)
        a = nengo.Ensemble(300, 1, label="a", neuron_type=nengo.LIF())
    net.config[a].block_shape = loihi.BlockShape((1,), (300,))
    found = on_board(net, None, 4)
    assert len(boards[0].n2Chips) == 3
    assert_same(found, emulated(net, None, 4))
    with pytest.raises(LoihiError, match=r"NengoLoihi can't build this network: .*chip"):
        on_board(net, None, 2, hardware_options={"n_chips": 2})


def test_what_a_board_can_not_do_is_refused(boards):
    conversion = converted("dense")
    with pytest.raises(MeasurementError, match="needs as many boards"):
        on_board(conversion, images(2), 5, batch_size=2)
    with pytest.raises(MeasurementError, match="target must be one of sim, loihi"):
        nsc.measure(conversion, images(2), 5, simulator="nengo_loihi", target="board")
    with pytest.raises(MeasurementError, match="say target='loihi' too"):
        nsc.measure(
            conversion, images(2), 5, simulator="nengo_loihi", hardware_options={"n_chips": 1}
        )
    assert not boards


def test_without_nxsdk():
    with pytest.raises(MeasurementError, match="NxSDK, the software that Intel gives"):
        on_board(converted("dense"), images(1), 5)
