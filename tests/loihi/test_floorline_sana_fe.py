"""What halving a core's load gives, by SANA-FE: its steps get shorter for the core that limits
them, by as much as `Floorline` says, and for no other.

SANA-FE simulates the same network with the same spikes on a chip on which some cores take half the
time for every event, which is what half the load takes.
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace

import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.energy.loihi_chip import chip_work, price_chip
from nengo_spikecost.loihi import place
from nengo_spikecost.loihi.sana_fe import record_spikes, replay, to_sana_fe
from nengo_spikecost.loihi.sana_fe.architecture import installed_architecture, sanafe

from .networks import Layers, recurrent

STEPS = 15

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sanafe") is None,
    reason="SANA-FE is not installed: pip install 'nengo-spikecost[sanafe]'",
)


def one_core_each():
    """A convolution, and weights from all to all, on cores of unequal loads."""
    layers = Layers(7 * 7 * 2)
    first = layers.convolution(4, (7, 7, 2), kernel_size=(3, 3), strides=(2, 2))
    one = layers.population(first.output_shape.size, "one")
    two = layers.population(30, "two")
    layers.connect(layers.encoder, one, first)
    layers.connect(one, two, layers.weights(first.output_shape.size, 30).T)
    return layers.net


def equal_cores():
    """A layer on three cores, two of which always do the same."""
    loihi = stack.nengo_loihi()
    layers = Layers(30)
    hidden, out = layers.population(50, "hidden"), layers.population(5, "out")
    layers.connect(layers.encoder, hidden, layers.weights(30, 50).T)
    layers.connect(hidden, out, layers.weights(50, 5).T)
    layers.net.config[hidden].block_shape = loihi.BlockShape((20,), (50,))
    return layers.net


class Halved:
    """A network on SANA-FE's chip, and on chips of which some cores are twice as fast."""

    def __init__(self, net, path):
        self.path = path
        self.recording = record_spikes(net, n_steps=STEPS)
        self.mapping = place(net, model=self.recording.built.model)
        self.exported = to_sana_fe(self.mapping, self.recording)
        self.run = replay(self.exported, "simple")
        self.step_s = self.run.step_s[:-1]  # what is delivered after the last is lost
        self.cost = price_chip(self._work(), "silicon", host_io="none")
        self.saved = {}  # a chip of SANA-FE takes seconds to make

    @property
    def loose_s(self):
        """Time of compartments with a current alone, which only we update, all on one core."""
        alone = self.recording.chip.by_step.active[0].sum(axis=1) - self.run.updated
        assert (alone >= 0).all()
        return self.exported.constants.latency["neuron_update"] * alone.mean()

    def _work(self):
        """Our counts in SANA-FE's order: it delivers a spike in the step in which it is fired."""
        chip, steps = self.recording.chip, self.recording.chip.by_step
        of_next = ("synops", "axon_events", "messages_out")

        def of_steps(name):
            counts, which = getattr(steps, name), slice(1, None) if name in of_next else slice(-1)
            if name == "synops":
                return {key: x[:, which] for key, x in counts.items()}
            return counts[:, which]

        by_step = replace(steps, **{name: of_steps(name) for name in vars(steps)})
        activity = replace(self.recording, chip=replace(chip, by_step=by_step))
        active = by_step.active.sum(axis=1)
        return replace(chip_work(activity, self.mapping), n_steps=STEPS - 1, active=active)

    def _step_s(self, exported):
        return replay(exported, "simple").step_s[:-1]

    def saved_s(self, cores):
        """Time that SANA-FE saves in every step if these cores take half the time."""
        positions = frozenset(int(self.mapping.positions[core]) for core in cores)
        if positions not in self.saved:
            self.saved[positions] = self._saved_s(positions)
        return self.saved[positions]

    def _saved_s(self, positions):
        self.path.write_text(faster(installed_architecture().read_text(), positions))
        architecture = sanafe().load_arch(str(self.path))
        saved = self.step_s - self._step_s(replace(self.exported, architecture=architecture))
        # times are printed in float32
        return np.where(saved > 1e-6 * self.step_s, saved, 0.0)


def faster(text, positions, n_tiles=32, size=4):
    """SANA-FE's description with half the time for every event on these cores."""
    head, tile = text.split("  tile:\n")
    ways, core = tile.split("      core:\n")
    half = re.sub(r"(latency_\w+: )([\d.e-]+)", lambda m: f"{m[1]}{float(m[2]) / 2!r}", core)
    tiles = []
    for t in range(n_tiles):
        cores = [
            (half if t * size + c in positions else core).replace("[0..3]", f"_{t}_{c}[0..0]", 1)
            for c in range(size)
        ]
        tiles.append(ways.replace("[0..31]", f"_{t}[0..0]") + "      core:\n" + "".join(cores))
    return head + "  tile:\n" + "".join(tiles)


@pytest.fixture(scope="module", params=[one_core_each, equal_cores, recurrent])
def halved(request, tmp_path_factory):
    return Halved(request.param(), tmp_path_factory.mktemp("sana_fe") / "halved.yaml")


def test_a_chip_with_no_faster_core_is_the_same(halved):
    assert not halved.saved_s([]).any()


def test_steps_get_shorter_for_the_core_that_limits_them_and_for_no_other(halved):
    """Of every step one core at most, or none if several are equally slow."""
    saved = np.array([halved.saved_s([core]) for core in range(halved.cost.work.n_cores)])
    assert ((saved > 0).sum(axis=0) <= 1).all()
    found = halved.cost.floorline()
    for limit in (found.chip, *found.layers):
        core = halved.cost.work.cores.index(limit.core)
        assert limit.core_saves_s == pytest.approx(saved[core].mean(), rel=1e-5, abs=halved.loose_s)
    # no other core of a layer is the slowest in more steps of the chip
    limiting = halved.cost.work.cores.index(found.chip.core)
    if not found.chip.tied:
        assert saved[limiting].any()
    if found.chip.slowest == 1:
        assert not np.delete(saved, limiting, axis=0).any()


def test_equally_slow_cores_and_whole_layers(halved):
    found, work = halved.cost.floorline(), halved.cost.work
    for limit in (found.chip, *found.layers):
        tied = [work.cores.index(core) for core in (limit.core, *limit.tied)]
        own = [k for k, name in enumerate(work.layers) if limit.name in (name, "chip")]
        for cores, ours in ((tied, limit.tied_saves_s), (own, limit.all_saves_s)):
            theirs = halved.saved_s(cores).mean()
            assert ours == pytest.approx(theirs, rel=1e-5, abs=halved.loose_s)


def test_cores_that_do_the_same_are_named_together(halved):
    found = halved.cost.floorline()
    if found.chip.core != "hidden[0]":
        assert not found.chip.tied
        return
    assert (found.chip.core, found.chip.tied) == ("hidden[0]", ("hidden[1]",))
    assert found.chip.core_saves_s == 0 < found.chip.tied_saves_s
    assert found.chip.then == "hidden[2]"
