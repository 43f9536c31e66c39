"""docs/validation.md: predictions that are what the page says, and rules of good and bad."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nengo_spikecost.energy import devices
from nengo_spikecost.energy.loihi_chip import Range, price_chip, shipped_chip

from .tools import tool

blouw, others, validation_page, data, quartz, cores = map(
    tool,
    (
        "validation_blouw", "validation_others", "validation_page", "validation_data",
        "validation_quartz", "validation_cores",
    ),
)  # fmt: skip
scoreboard, given, recordings = map(
    tool, ("scoreboard_page", "scoreboard_given", "scoreboard_recordings")
)


#: Operations of ten branches of ten layers of 256 by 256 and a bias, and what the layer behind them
#: has more, which takes all of their outputs: models.py in github.com/abr/power_benchmarks.
HUNDRED_LAYERS = 100 * 256 * 257 + 9 * 256 * 256


@pytest.fixture(scope="module")
def predictions():
    return validation_page.all_predictions()


@pytest.fixture(scope="module")
def page():
    return validation_page.PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date(page):
    # networks are emulated again; SANA-FE's part takes a minute and is compared by
    # `python tools/validation_page.py --check` where SANA-FE is installed
    fresh = list(validation_page.parts(sana_fe=False))
    found = validation_page.differences(page, fresh)
    assert not found, "\n".join([*found, "run tools/validation_page.py"])
    assert len(fresh) == 9


def test_ranges_of_cores_are_those_of_other_networks(predictions):
    """Prediction interval of Student's t by hand, and the package's constants have that of all."""
    ratios = cores.ratios()
    assert len(ratios) == 5

    def by_hand(found):
        logs = np.log(found)
        reach = stats.t.ppf(0.9, len(logs) - 1) * logs.std(ddof=1) * np.sqrt(1 + 1 / len(logs))
        return list(np.exp(logs.mean() + [-reach, reach]))

    low, _, high = cores.range_without(None)
    assert [low, high] == pytest.approx(by_hand(list(ratios.values())))
    for constant in shipped_chip().profiles["silicon"].energies.values():
        if constant.value:
            ends = [constant.low / constant.value, constant.high / constant.value]
            assert ends == pytest.approx([low, high], abs=0.006)
    inside = 0
    for key, ratio in ratios.items():
        ends = by_hand([other for name, other in ratios.items() if name != key])
        inside += ends[0] <= ratio <= ends[1]
        for p in predictions:
            if p.key == key and p.constants == "silicon":
                assert [p.value.low, p.value.high] == pytest.approx(
                    [end * p.value.nominal for end in ends]
                )
    assert inside == 4  # as stated: 80 %
    # NxSDK's own numbers: 6.894 mW of its cores in 51 steps
    assert quartz.measured_cores_J(51) == pytest.approx(6.894e-3 * 51 * 96.041e-6, rel=2e-3)


def test_quartz_network_from_its_architecture():
    """Each neuron fires once an image: 784 pixels, a sync and a rectifier are the host's 786."""
    assert quartz.HOST_SPIKES == 28**2 + 2
    neurons = 6 * 24**2 + 6 * 12**2 + 12 * 8**2 + 12 * 4**2 + 120 + 10
    assert neurons + 12 + 148 == quartz.COMPARTMENTS
    kernels = 6 * 24**2 * 25 + 12 * 8**2 * 150 + 120 * 192 + 10 * 120
    support = 5 * (6 * 24**2 + 12 * 8**2 + 120 + 10)
    assert kernels + support + 5 * (6 * 12**2 + 12 * 4**2) == quartz.SYNOPS
    assert quartz.COMPARTMENTS <= 1024 * quartz.CORES


def test_quartz_by_hand(predictions):
    """Constants of SANA-FE and NxSDK's model of the x86, without the package."""
    steps, step_s = 651, 13.301e-6
    least = quartz.COMPARTMENTS / (quartz.COMPARTMENTS * steps)  # those that fire
    active = (least + 1) / 2
    cores = quartz.SYNOPS * 33.6e-12 + quartz.COMPARTMENTS * (69.3 + 111) * 1e-12
    cores += quartz.COMPARTMENTS * steps * (51.2 + active * 21.6) * 1e-12
    x86 = (18e-3 + 6e-3 * 0.9165) * steps * step_s
    found = nominal(predictions, "quartz_dynamic_651", "silicon, nahuku32")
    assert found == pytest.approx(cores + x86, rel=2e-3)
    host = 786 / steps * 5.91e-6
    alone = quartz.COMPARTMENTS / quartz.CORES * (6.0 + active * 3.7) * 1e-9
    assert nominal(predictions, "quartz_step_651", "x86") == pytest.approx(host + alone, rel=0.1)


def test_neuromorphic_digits_by_hand(predictions):
    """4,204 events an image: of SLAYER by two processors side by side, of NxTF to 512 neurons."""
    step_s = 4_204 / 400 * 5.91e-6 / 2
    cores_s = 2_834 / 17 * 9.7e-9 + 1.4e-6
    found = nominal(predictions, "slayer_nmnist_step", "x86")
    assert step_s < found < step_s + 1.3 * cores_s
    updates_J = 2_834 * 350 * 51.2e-12
    least_W = (4_204 * 512 * 35.5e-12 + updates_J) / 6.46e-3 + 18e-3 + 5 * 0.474e-3
    most_W = least_W + 2_834 * 350 * 21.6e-12 / 6.46e-3 + 6e-3
    assert least_W < nominal(predictions, "nxtf_nmnist", "silicon, nahuku32") < 1.02 * most_W


def test_a_page_that_is_not_up_to_date_is_told(page):
    old = validation_page.written(page, "summary")
    other = old.replace("| board |", "| plank |")
    assert validation_page.differences(page, [("summary", old)]) == []
    assert len(validation_page.differences(page, [("summary", other)])) == 2
    changed = validation_page.with_part(page, "summary", other)
    assert validation_page.written(changed, "summary") == other
    assert validation_page.written(changed, "tables") == validation_page.written(page, "tables")
    with pytest.raises(ValueError, match="needs the marks of the part 'none'"):
        validation_page.written(page, "none")


@pytest.mark.parametrize(
    "expected, found, same",
    [
        ("| 1.00 mJ | +4 % |", "| 1.01 mJ | +5 % |", True),
        ("| 1.00 mJ | +4 % |", "| 1.03 mJ | +4 % |", False),
        ("| 1.00 mJ | +4 % |", "| 1.00 mJ | +6 % |", False),
        ("| 1.00 mJ | good |", "| 1.00 mJ | bad |", False),
    ],
)
def test_lines_agree_but_for_rounding(expected, found, same):
    assert validation_page.same_line(expected, found) is same


def test_every_measurement_is_predicted_and_nothing_else(predictions):
    assert {p.key for p in predictions} == set(data.measurements())
    assert {m.source for m in data.measurements().values()} == set(data.sources())
    assert all(x.what and x.source and x.reason for x in data.left_out())
    for p in predictions:
        assert 0 <= p.value.low <= p.value.high, p
        assert not p.value.predicted or p.value.low <= p.value.nominal <= p.value.high, p
        assert p.held_out in validation_page.HELD_OUT


def test_verdicts():
    def verdict(low, nominal, high, measured=100.0, ends=True):
        return data.Prediction("", "", Range(low, nominal, high), "", ends=ends).verdict(measured)

    assert verdict(75, 75, 75) == verdict(125, 125, 125) == "good"
    assert verdict(40, 74, 110) == "in range"
    assert verdict(40, 74, 110, ends=False) == "bad"  # an end is the measurement itself
    assert verdict(40, 74, 99) == verdict(101, 126, 130) == "bad"


def test_what_is_not_predicted_is_so_whatever_was_measured(predictions):
    """The package decides, by who manages a step on how many chips; not this page, nor an error."""
    value = Range(1.0, 2.0, 50.0).unless_too_wide()
    for measured in (0.1, 2.0, 1e6):
        assert data.Prediction("", "", value, "").verdict(measured) == "not predicted"
    pairs = {pair.measurement: pair for pair in data.host_times()}
    unknown = {p.key for p in predictions if not p.value.predicted}
    host, x86 = (shipped_chip().host_io[name] for name in ("host", "x86"))
    for key, pair in pairs.items():
        io = x86 if pair.spikes_in else host
        assert (key in unknown) is not io.is_known(pair.chips), key
    assert unknown <= set(pairs)
    # good ones are among them, too
    times = {key: data.measurements()[key].value for key in unknown}
    assert any(abs(78.3e-6 / s - 1) < 0.25 for s in times.values())


def test_every_row_that_is_not_met_has_a_cause(predictions):
    not_met = {
        p.key
        for p in predictions
        if p.held_out == "yes" and validation_page.verdict(p) not in ("good", "in range")
    }
    told = [key for why in data.whys() for key in why.rows]
    assert sorted(told) == sorted(not_met)
    wide = {
        p.key
        for p in predictions
        if p.held_out == "yes" and validation_page.verdict(p) in ("good", "in range")
        if p.value.high > 3 * p.value.low
    }
    told = [key for why in data.whys_wide() for key in why.rows]
    assert sorted(told) == sorted(wide)


def test_the_tally_counts_every_row_and_every_measurement_once(predictions):
    summary = validation_page.summary()
    once, by_rows = summary.split("By rows, however often")
    rows = [p for p in predictions if p.held_out == "yes"]
    counted = [p for p in data.counted_once(predictions) if p.held_out == "yes"]
    assert len({p.key for p in counted}) == len(counted) < len(rows)
    tables = []
    for text, held in ((once, counted), (by_rows, rows)):
        lines = [line.split("|")[1:-1] for line in text.splitlines() if "|" in line]
        by_name = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in lines}
        found = by_name["all, with processors"]
        n_rows, unknown, good, _, inside, narrow, wide, bad = map(int, found[:-1])
        assert n_rows == len(held) == unknown + good + inside + wide + bad
        met, known = good + inside, n_rows - unknown
        assert f"{met} of {known} that are predicted ({met / known:.0%}), {narrow} of them" in text
        ends = [p.value for p in held if validation_page.verdict(p) in ("good", "in range")]
        assert narrow == sum(value.high <= 3 * value.low for value in ends)
        boards = [p for p in held if not p.constants.startswith(("device cpu", "device gpu"))]
        assert int(by_name["boards and chips"][0]) == len(boards)
        tables.append(by_name)
    left_out = tables[1]["rows that the first table leaves out"]
    assert int(left_out[0]) == len(rows) - len(counted)


def test_what_counts_is_what_the_package_takes_by_itself(predictions):
    """The rule holds with the package's own defaults and texts, whatever was measured."""
    counted = {p.key: p for p in data.counted_once(predictions)}
    assert counted.keys() == {p.key for p in predictions}
    default, silicon, davies = (
        price_chip(quartz.work(51), profile).energy_J("core dynamic")
        for profile in (None, "silicon", "davies2018")
    )
    assert default == silicon != davies
    for p in counted.values():
        assert "davies2018" not in p.constants
        if p.constants.startswith("device") and p.value.high:
            own = devices.get(p.constants.split()[1])
            assert not own.one_sample  # or the package says to take another
    managers = {pair.measurement: pair.by for pair in data.host_times()}
    assert all(counted[key].constants == "host" for key, by in managers.items() if by == "host")
    # an only prediction counts, whatever the rule says of its kind
    alone = [p for p in predictions if p.constants == "device cpu"][:1]
    assert data.counted_once(alone) == alone
    with pytest.raises(ValueError, match="knn_step is predicted by a, b"):
        value = Range(1.0, 1.0, 1.0)
        data.counted_once([data.Prediction("knn_step", name, value, "") for name in "ab"])


def test_a_launch_of_each_of_two_cards_tells_that_of_the_other(predictions):
    """From the logs, in both directions, without the package."""
    macs, per_mac_J = 51_782_912, 0.3e-9
    layers_mJ = (40.75 / 92.962 - 38.07 / 767.71) * 1e3 - HUNDRED_LAYERS * per_mac_J * 1e3
    call_mJ = 38.07 / 767.71 * 1e3 - 3 * layers_mJ / 100
    lstm_J = (call_mJ + 785 * layers_mJ / 100) * 1e-3 + macs * per_mac_J
    assert lstm_J / 2.722 == pytest.approx(1.14, abs=0.01)
    found = nominal(predictions, "smnist_lstm_gpu", "device gpu_single")
    assert found == pytest.approx(lstm_J, rel=0.1)  # whose power is that of few layers
    launch_mJ = (2.722 - macs * per_mac_J) * 1e3 / 785
    assert launch_mJ / (layers_mJ / 100) == pytest.approx(0.89, abs=0.01)
    time = nominal(predictions, "smnist_lstm_gpu_time", "device gpu_single")
    assert time == pytest.approx(1.014e-3 + 785 * 94.5e-6)
    # the line of a stick of which another run was left out, and of a module with eight samples
    forty_layers = 40 * 256 * 257 + 3 * 256 * 256
    stick = 1.455e-3 + (8.176e-3 - 1.625e-3) * forty_layers / HUNDRED_LAYERS
    assert nominal(predictions, "scaled_movidius_4", "device movidius") == pytest.approx(
        stick, rel=0.01
    )
    module = (5.585e-3 + 7 * 173_341 * (6.510e-3 - 5.531e-3) / 48 / 173_341) / 8
    assert nominal(predictions, "batch_jetson_8", "device jetson_tx1") == pytest.approx(
        module, rel=0.01
    )
    for kind, samples in (("gpu", 36150.33), ("cpu", 38210.20)):
        measured = data.measurements()[f"batch_{kind}_64"].value
        watts = {"gpu": 41.25 - 14.972, "cpu": 30.32 - 17.009}[kind]
        assert measured == pytest.approx(watts / samples, rel=2e-3)


def test_processors_by_hand(predictions):
    """From the logs: power while running and idle, and samples a second."""
    cpu_J, cpu_idle_J = 28.48 / 1813.63, 17.009 / 1813.63
    gpu_J, gpu_idle_J = 37.83 / 770.39, 14.972 / 770.39
    found = {p.constants: p.value for p in predictions if p.key in ("kws_cpu", "kws_gpu")}
    step_s = 1 / 767.71, 1 / 267.037, 1 / 178.13, 1 / 134.459, 1 / 108.679, 1 / 92.962
    layer_time = devices.get("gpu_single").layer_time
    slopes = np.diff(step_s) / 20
    assert [layer_time.low, layer_time.high] == pytest.approx(
        [slopes.min(), slopes.max()], rel=2e-3
    )
    assert layer_time.value == pytest.approx((step_s[-1] - step_s[0]) / 100, rel=1e-3)
    call_s = devices.get("gpu_single").step_time.value
    assert call_s == pytest.approx(1 / 770.39 - 3 * layer_time.value, rel=1e-3)
    # made of these
    assert found["device cpu_single"].nominal == pytest.approx(cpu_J - cpu_idle_J, rel=0.01)
    assert found["device gpu_single"].nominal == pytest.approx(gpu_J - gpu_idle_J, rel=0.01)
    # the whole processor: 341,000 synapses at the slope of a hundred layers of 256 by 256
    slope = (28.22 / 185.929 - 27.77 / 1729.727) / HUNDRED_LAYERS
    call = cpu_J - 173_341 * slope
    whole = nominal(predictions, "nxtf_mnist_cpu", "device cpu_single")
    assert whole == pytest.approx(call + 341_000 * slope, rel=0.01)


@pytest.mark.parametrize(
    "value, text",
    [(-0.0657, "-6.6 %"), (0.247, "+25 %"), (4.07, "+407 %"), (-0.998, "-99.8 %")],
)
def test_errors_as_text(value, text):
    assert validation_page.percent(value) == text


def nominal(predictions, key, constants):
    found = [p.value.nominal for p in predictions if (p.key, p.constants) == (key, constants)]
    assert len(found) == 1
    return found[0]


def test_predictions_by_hand(predictions):
    """The arithmetic of published counts and constants, without the package."""
    queries = 708.5 * 76_800 * 23.6e-12 + 76_800 * 60 * 81e-12
    assert nominal(predictions, "knn_dynamic", "davies2018") == pytest.approx(queries)
    board = "nahuku32_from_boot"
    assert nominal(predictions, "knn_static", board) == pytest.approx(32 * 27.3e-3)
    assert nominal(predictions, "knn_x86", board) == pytest.approx(32 * 68.8e-3 + 6e-3)
    wolf = [nominal(predictions, key, "wolf_mountain") for key in ("quartz_72", "quartz_1760")]
    assert wolf == pytest.approx([32 * 29.65e-3 + n * (70e-3 - 18e-3) for n in (1, 16)])
    x86 = 22 * 18e-3 + 6e-3
    assert nominal(predictions, "relnet_x86", "nahuku32") == pytest.approx(x86)
    mobilenet = (861 * 0.474e-3 + 7 * 18e-3 + 6e-3) * 0.340
    assert nominal(predictions, "nxtf_cifar", "nahuku32") == pytest.approx(mobilenet)
    truenorth = 64.43e-3 + 2.297e-12 * 20.07 * 128 * 1_048_576
    assert nominal(predictions, "truenorth_20", "device truenorth") == pytest.approx(truenorth)
    busy = (64.43e-3 + 2.297e-12 * 200 * 256 * 1_048_576) * (1.05 / 0.8) ** 2
    assert nominal(predictions, "truenorth_busy", "device truenorth") == pytest.approx(busy)
    macs = (390 * 256 + 256 * 256 + 256 * 29 + 541) * 8.6e-9
    assert nominal(predictions, "kws_cpu", "device cpu") == pytest.approx(macs)


def test_the_slope_is_that_of_the_copies_own_events():
    """Two copies less one: ten layers more, at the rate that was emulated, by hand."""
    one, two = (blouw.scaling(n) for n in (1, 2))
    spikes = two.recording.chip.spikes.sum() - one.recording.chip.spikes.sum()
    updates = 2560 * blouw.STEPS_PER_INFERENCE
    synops = (
        two.recording.chip.total_synops().sum() - one.recording.chip.total_synops().sum()
    ) / blouw.N_INFERENCES
    # every spike meets 256 weights, those of the host in each copy; rates of the output differ
    spikes += two.recording.chip.host_to_chip.sum() - one.recording.chip.host_to_chip.sum()
    assert synops == pytest.approx(256 * spikes / blouw.N_INFERENCES, rel=0.03)
    found = blouw.slope("davies2018")
    assert found.low >= synops * 23.6e-12 + updates * 52e-12
    assert found.nominal <= synops * 23.6e-12 + updates * 81e-12 + 1e-7  # and messages
    assert 50 < blouw.rate_that_fits("silicon") < blouw.rate_that_fits("davies2018") < 100


def test_synapses_of_intels_tutorial():
    """Its parameters are published: 33,802, biases included."""
    kernels = 25 * 16 + 9 * 16 * 32 + 9 * 32 * 64 + 16 * 64 * 10
    assert kernels + 16 + 32 + 64 + 10 == 33_802
    synapses = 144 * 400 + 100 * 4608 + 16 * 18432 + 10240
    # 1.4 % of the weights are 0 in whole numbers
    assert 0.98 * synapses < others.TUTORIAL_SYNAPSES < synapses
    assert others.TUTORIAL_NEURONS == 144 * 16 + 100 * 32 + 16 * 64 + 10 + 784
    assert 30 < others.SPIKES_PER_SYNAPSE[1] < 40


def test_the_scoreboard_is_up_to_date(page):
    found = scoreboard.differences(page)
    assert not found, "\n".join([*found, "run tools/scoreboard_page.py"])


def test_a_scoreboard_that_is_not_up_to_date_is_told(page):
    changed = page.replace("| Qualia | (x", "| Qualia | (y", 1)
    assert len(scoreboard.differences(changed)) == 2


def test_recordings_are_of_these_networks():
    """What the tools counted is what they were given: an old recording would differ."""
    runs = recordings.recorded()
    spiking = {name: g for name, g in given.all_given().items() if g.spiking}
    exact = runs["SpikingJelly simple"]["runs"]
    for name, own in spiking.items():
        # as an integer: rounding of the share aside, every synop is the same
        assert exact[name]["synops"] == sum(layer.synops() for layer in own.layers), name
    for tool_name, content in runs.items():
        if tool_name != "SANA-FE":
            assert content["runs"].keys() == given.all_given().keys(), tool_name


def test_every_row_of_the_scoreboard_is_a_measurement():
    keys = [row.key for row in scoreboard.ROWS]
    assert len(set(keys)) == len(keys) and set(keys) <= set(data.measurements())
    for row in scoreboard.ROWS:
        assert row.given.keys() <= given.all_given().keys()
        assert (row.measurement.unit == "s") == bool(row.slowest)
        assert row.measurement.boundary in scoreboard.BOUNDARIES


def answer(name, key):
    tools = {found.short: found for found in scoreboard.TOOLS}
    row = next(row for row in scoreboard.ROWS if row.key == key)
    return tools[name].answer(row)


def test_scoreboard_by_hand():
    """Formulas of the tools, put to the published counts without any of their code."""
    synops, updates = 708 * 76_800, 76_800 * 60
    assert answer("synops", "knn_dynamic") == pytest.approx(synops * 0.9e-12)
    # ModelEnergy's loihi
    kerasspiking = synops * 27.1e-12 + updates * 81e-12
    assert answer("Keras-Spiking", "knn_dynamic") == pytest.approx(kerasspiking, rel=1e-5)
    # SANA-FE's: every neuron is updated at every step, and a message of each spike to each core
    cores = synops * 35.5e-12 + updates * 51.2e-12
    found = answer("SANA-FE", "knn_dynamic")
    assert cores < found < cores + updates * 21.6e-12 + 708 * 3840 * 160e-12
    # SpikingJelly's simple: an addition a synop and 24.96 pJ a byte of weights, and the neurons'
    assert answer("SJ simple", "knn_dynamic") > synops * (0.9 + 4 * 24.96) * 1e-12
    truenorth = 20.07 * 128 * 1_048_576
    assert answer("synops", "truenorth_20") == pytest.approx(truenorth * 0.9e-12, rel=1e-3)
    assert answer("Keras-Spiking", "truenorth_20") == "no device"
    assert answer("SANA-FE", "truenorth_20") == "no network"
    assert answer("Qualia", "kws_step") == "no time"
    assert answer("ours", "truenorth_12") == "made of it"
    assert (
        answer("Keras-Spiking", "kws_cpu")
        == answer("ours", "kws_cpu")
        == pytest.approx((390 * 256 + 256 * 256 + 256 * 29 + 541) * 8.6e-9)
    )


def test_synops_of_given_convolutions_by_brute_force():
    own = given.all_given()["Intel's MNIST"]
    for layer in own.layers:
        height, width, inputs, outputs, kernel, stride = layer.convolution
        images = layer.spikes_in.reshape(-1, height, width, inputs)
        reached = 0
        places = [(size - kernel) // stride + 1 for size in (height, width)]
        for spike in zip(*images.nonzero()):
            rows, columns = (
                sum(0 <= at - i * stride < kernel for i in range(n))
                for at, n in zip(spike[1:3], places)
            )
            reached += rows * columns * outputs
        assert layer.synops() == reached
    assert sum(layer.synapses for layer in own.layers) == 823_552
    # spikes anywhere make about as many synops as where they were; those on the border make fewer
    assert own.synops() == pytest.approx(others.TUTORIAL_SYNOPS, rel=0.15)
