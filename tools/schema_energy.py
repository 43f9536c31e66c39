"""JSON files of networks, their counts and their energies.

In the notation of ``json_schemas.py``. Of each kind its title, and its content; the key is the name
of the file and of the format.
"""

from __future__ import annotations

from typing import Any

from schema_loihi import FLOORLINES
from schema_parts import CONVERSION, COUNTS, GRAPH, LAYER_LABELS, SCALES, WORKLOAD_ROW

#: Of a change that `advise` made.
ADVISED = {
    "change": "string: What was done.",
    "kind": (
        "Its kind.", "steps", "rate", "prune", "blocks", "host", "chip", "together",
    ),
    "layer": "string: The layer that is changed; empty: the network.",
    "arguments": "object: Arguments of `deploy`, `convert`, `changed_network` and `prune`.",
    "basis": ("What it was predicted from.", "counts", "first samples"),
    "n_first": "integer: Samples that it was predicted from; 0: from counts.",
    "unsure?": "number|null: Standard error of the predicted saving, as a share; null: one sample.",
    "before": "number: What an inference takes as the network is.",
    "predicted": "number: What it was predicted to take.",
    "realised": "number: What it takes.",
    "at_least?": "boolean: Whether it takes that at least, as a host does more than is counted.",
    "predicted_saving": "number: before less predicted.",
    "saving": "number: before less realised.",
    "accuracy": "number|null: With the change, 0 to 1.",
    "parts?": ["string: Its words.", "Those that were made together; empty: it is one."],
    "alone?": "number: Of several together, the sum of what each saves by itself.",
    "command?": "string: The command that makes the change; empty: there is none.",
    "code?": "string: The line of Python that makes it.",
}  # fmt: skip

BY_DEVICE = {"": "By device, in J.", "*": "number|null: Energy per inference in J."}

ENERGIES: dict[str, Any] = {
    "uncounted_on": ["string: A device.", "Devices on which something of it is not priced."],
    "synop_energy_J": {**BY_DEVICE, "": "Energy of synaptic operations in J, by device."},
    "neuron_energy_J": {**BY_DEVICE, "": "Energy of neuron updates in J, by device."},
    "energy_J": {**BY_DEVICE, "": "Energy in J, by device."},
}

ENERGY: dict[str, Any] = {
    "cost_model": "string: Name of the cost model.",
    "presentation": "@presentation: How long the samples were presented.",
    "layers": [
        {"": "Counts and energies of one layer.", **LAYER_LABELS, **COUNTS, **ENERGIES},
        "The layers, in the order of the network.",
    ],
    "total": {"": "Counts and energies of all layers.", **COUNTS, **ENERGIES},
    "devices": {"": "The estimates, by device.", "*": "@estimate: On one device."},
    "uncounted": ["@uncounted: One part.", "What could not be counted on any device."],
}

_SIDE = {
    "layer": "string: Name of the layer; Total for the network.",
    "type": "string: Class of the layer.",
    "where": "string: host: done beside the chip on both sides. composed: part of other layers' "
    "synapses. nothing: costs nothing. Else empty.",
    "outcome": "string: wins, loses, never, always, no spikes, ...",
    "synapses": "integer: Synapses that spikes arrive at.",
    "rate_hz": "number|null: Mean firing rate of the neurons that send them, in Hz.",
    "spikes_per_synapse": "number|null: Spikes that pass a synapse per inference.",
    "spikes_per_step": "number|null: Spikes that pass a synapse per step.",
    "snn_J": "number: Energy of the spiking network in J.",
    "fixed_J": "number: The part of it that is spent without any spike, in J.",
    "ann_J": "number: Energy of the opponent, the same network without spikes, in J.",
    "ratio": "number|null: snn_J over ann_J.",
    "crossing": ("How both energies go with the firing rate.", "crosses", "never", "flat",
                 "nothing", "always"),
    "break_even_factor": "number|null: All rates times this, and both take the same energy.",
    "break_even_rate_hz": "number|null: The firing rate at which they do, in Hz.",
    "break_even_spikes_per_synapse": "number|null: Spikes per synapse and inference there.",
    "samples_won": "number: Share of the samples for which the spiking network takes less.",
    "arithmetic_snn_J?": "number|null: snn_J without memory and static power, in J.",
    "arithmetic_fixed_J?": "number|null: fixed_J without them, in J.",
    "arithmetic_ann_J?": "number|null: ann_J without them, in J.",
    "arithmetic_ratio?": "number|null: ratio without them.",
    "arithmetic_crossing?": "string|null: crossing without them.",
    "arithmetic_break_even_factor?": "number|null: break_even_factor without them.",
    "uncounted": "string: What is missing from either side, in words.",
    "verdict": "string: The outcome, in a sentence.",
}  # fmt: skip

BREAK_EVEN: dict[str, Any] = {
    "format": "=nengo-spikecost/break-even/1",
    "verdict?": "@verdict: The verdict.",
    "cost_model": "string: Name of the cost model.",
    "presentation": "@presentation: How long the samples were presented.",
    "bits": {
        "": "Widths in bits.",
        "activations": "integer: Of the opponent's activations, that tell as many values apart.",
        "weights": "integer: Of weights on both sides.",
        "accumulators": "integer: Of sums on both sides.",
    },
    "device": "@device: That of the spiking network.",
    "opponent": "@device: That of the same network without spikes.",
    "mac_over_acc": "number|null: Energy of a multiply-accumulate over that of an addition.",
    "layers": [{"": "Both sides of one layer.", **_SIDE}, "The layers."],
    "network": {"": "Both sides of the network.", **_SIDE},
    "host": {
        "": "Work that is done beside the chip on both sides, and is in no total.",
        "?": True,
        "layers": ["string: Name.", "The layers with such work."],
        "snn_J": "number: For the spiking network, in J.",
        "ann_J": "number: For the opponent, in J.",
    },
    "range": ["number|null: A factor.",
              "break_even_factor with the constants at either end of their ranges.", "?"],
    "literature": [
        {
            "": "A threshold from a publication.",
            "name": "string: Authors and year.",
            "quantity": "string: What the threshold is on.",
            "low": "number: Its low end.",
            "high": "number: Its high end.",
            "meaning": "string: What the two stand for.",
            "source": "string: The publication.",
            "evidence": "string: How it is known.",
            "steps": ["integer: Steps.", "The steps that it holds for; null: for any.", "?"],
            "measured": "number|null: The quantity of this network.",
            "verdict": "string|null: met, not met, in between, other steps.",
        },
        "What others found.",
    ],
    "notes": ["string: A sentence.", "What is printed below the table."],
}  # fmt: skip

ENERGY_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "profile": ("`report`, `demo` and `profile`", {
        "format": "=nengo-spikecost/profile/1",
        "verdict?": "@verdict: The verdict.",
        **ENERGY,
        "protocol": "@protocol: How the samples were presented.",
        "conversion": {
            "": "How the model was converted; null: a network made in Nengo.", "?": True,
            **{k: v for k, v in CONVERSION.items() if k not in ("neurons", "rows")},
            "scale_firing_rates": SCALES,
        },
        "nir?": {"": "What became of a NIR graph.", **GRAPH},
        "break_even": {
            "": "The opponent on each device, by its name.",
            "*": ("anyOf", BREAK_EVEN, {
                "": "There is no answer.", "error": "string: Why, in a sentence."}),
        },
        "accuracy": {
            "": "Share that is right, 0 to 1, by whose output it is and how it is read.",
            "*": "number|null: Accuracy.",
        },
        "scores": ["@score: One.", "The same in full, and the scores of regressions."],
        "labels": {"": "How labels were read, by output.", "*": "string: In words."},
        "attempts": ["@attempts: Of one purpose.", "Settings that were tried."],
        "floorline?": {**FLOORLINES, "": "What decides the time of a step of the emulated chip."},
        "stack": "@stack: Versions.",
    }),
    "energy": ("`NetworkEnergy`", {
        "format": "=nengo-spikecost/energy/1", "verdict?": "@verdict: The verdict.", **ENERGY,
    }),
    "estimate": ("`EnergyEstimate`", {
        "format": "=nengo-spikecost/estimate/1",
        "cost_model": "string: Name of the cost model.",
        "device": "string: Name of the device.",
        "layers": [
            {
                "": "One layer.",
                "layer": "string: Name of the layer.",
                "~^[a-z_]+_J$": "number: Energy of one part in J, whatever parts the model has.",
                "energy_J": "number: Energy per inference in J.",
            },
            "The layers.",
        ],
        "constants": "@device: The device, with the constants that the estimate was made with.",
        "total_energy_J": "number: Mean over samples in J, without the host.",
        "power_W": "number|null: Mean power in W of a network that runs on, or null.",
        "range_J": ["number: J.", "The total with all constants at either end."],
        "samples_J": ["number: J.", "The total of every sample; one if all are the same."],
        "spread_J": "@spread: The same, summed up.",
        "static": "object|null: Static power: power_W, seconds, n_chips, at_least, n_layers.",
        "host_energy_J": "number: Energy in J of the work beside the device, in no total.",
        "host_device": "string|null: The device that work is priced on.",
        "lower_bound": "boolean: Whether something is missing.",
        "host": ["object: layer, role, macs, updates, operations, energy_J.",
                 "The work beside the device."],
        "uncounted": ["@uncounted: One part.", "What is missing from the estimate."],
        "remarks": ["string: A sentence.", "What the cost model says of it."],
    }),
    "comparison": ("`compare`", {
        "format": "=nengo-spikecost/comparison/1",
        "verdict?": "@verdict: The verdict.",
        "presentation": "@presentation: How long the samples were presented.",
        "rows": [
            {
                "": "One cost model on one device.",
                "cost_model": "string: Name of the cost model.",
                "device": "string: Name of the device.",
                "synops": "number|null: Synaptic operations that it counts.",
                "macs": "number|null: Multiply-accumulates that it counts.",
                "energy_J": "number|null: Energy per inference in J; null: it has none.",
                "power_W": "number|null: Mean power in W of a network that runs on.",
                "low_J": "number|null: With all constants at the low end, in J.",
                "high_J": "number|null: With all constants at the high end, in J.",
                "spread_J": "@spread|null: Over samples.",
                "static_J": "number|null: The part of it that is static power, in J.",
                "host_J": "number|null: Work beside the device in J, in no total.",
                "ratio": "number|null: Energy over that of the first cost model on the device.",
                "lower_bound": "boolean|null: Whether something is missing.",
                "explanation": "string: What it counts, and what not.",
            },
            "The cost models and devices.",
        ],
    }),
    "break-even": ("`break_even`", BREAK_EVEN),
    "early-exit": ("`early_exit`", {
        "format": "=nengo-spikecost/early-exit/1",
        "verdict?": "@verdict: The verdict.",
        "rule": ("How sure an answer is.", "margin", "softmax"),
        "readout": ("What is read after a step.", "mean", "last"),
        "min_step": "integer: No sample ends before it.",
        "output": "string: Name of the output that is read.",
        "boundary": "string: Of the energy.",
        "confidence": "number: Of the intervals.",
        "n_samples": "integer: Samples.",
        "n_steps": "integer: The most steps of a sample.",
        "dt_s": "number: Length of a step in s.",
        "accuracy_by_step": [
            "number: Share that is right, 0 to 1.", "Of reading all samples after the same step.",
        ],
        "points": [
            {
                "": "One threshold.",
                "threshold": "number|null: A sample ends when it is as sure; null: none does.",
                "mean_steps": "number: Steps per sample.",
                "early": "number: Share of samples that end before the last step.",
                "accuracy": "number: Share of samples that are right.",
                "interval": ["number: An end.", "Interval for the accuracy."],
                "loss": "number: Against reading all after the last step, as a share of samples.",
                "loss_interval": ["number: An end.", "Interval for the loss."],
                "energy_J": "number|null: Energy until then in J; null: uncounted, or has ends.",
                "energy_is_at_least?": "boolean: Whether it leaves out what it takes the host to "
                "read the output after every step.",
                "energy_ends_J?": [
                    "number: An end.", "Of an energy that is not predicted; null: it is.", "?",
                ],
                "updates": "number|null: Updates of compartments until then.",
                "synops": "number|null: Synaptic operations until then.",
            },
            "The curve over thresholds, ascending.",
        ],
    }),
    "advice": ("`advise`", {
        "format": "=nengo-spikecost/advice/1",
        "verdict?": "@verdict: The verdict.",
        "network": "string: Its name.",
        "save": ("What was to be saved.", "energy", "time"),
        "boundary": "string: Of which energy.",
        "host": "string|null: The processor whose work is in every energy.",
        "unit": ("Of all amounts.", "J", "s"),
        "before": "number: What an inference takes as the network is.",
        "at_least?": "boolean: Whether it takes that at least, as a host does more than is "
        "counted: savings are then of what is counted.",
        "accuracy": "number|null: As it is, 0 to 1.",
        "n_samples": "integer: Samples.",
        "n_steps": "integer: Steps of an inference.",
        "n_considered": "integer: Changes whose saving was predicted.",
        "changes": [
            {"": "One change that was made and measured.", **ADVISED},
            "Each by itself, the largest saving first.",
        ],
        "together?": [
            {"": "Several changes that were made in one network.", **ADVISED},
            "As they were tried; the last keeps accuracy, if one does.",
        ],
        "weighed?": [
            {
                "": "A change that was predicted and not made.",
                "change": "string: What would be done.",
                "kind": "string: Its kind.",
                "layer": "string: Its layer; empty: the network.",
                "predicted_saving": "number: What it would save, in J or s; below 0: costs more.",
                "basis": ("What that was predicted from.", "counts", "first samples"),
            },
            "The largest predicted saving first.",
        ],
        "untried": [
            {
                "": "A change that was not made.",
                "kind": "string: Its kind.",
                "layer": "string: Its layer.",
                "reason": "string: Why.",
            },
            "Changes that could not be made.",
        ],
    }),
    "conversion": ("`Conversion`", {
        "format": "=nengo-spikecost/conversion/1", "verdict?": "@verdict: The verdict.",
        **CONVERSION,
    }),
    "nir": ("`read_nir`, and ``reading`` of what `from_nir` returns", GRAPH),
    "lowering": ("`Lowering`", {
        "format": "=nengo-spikecost/lowering/1",
        "verdict?": "@verdict: The verdict.",
        "rows": [
            {
                "": "One change.",
                "kind": "string: Kind of change.",
                "origin": "string: Where the Connections come from.",
                "target": "string: Where they lead.",
                "connections": "integer: Connections that became one.",
                "transform": "string: The transform that they became.",
                "weights_before": "integer|null: Weights of before.",
                "weights_after": "integer|null: Weights now.",
                "reason": "string: Why it was left as it is.",
            },
            "The changes.",
        ],
    }),
    "graph": ("`NetworkGraph`", {
        "format": "=nengo-spikecost/graph/1",
        "verdict?": "@verdict: The verdict.",
        "populations": [
            {
                "": "One population.",
                "name": "string: Its name.",
                "layer": "string: Its layer.",
                "neurons": "integer: Neurons.",
                "neuron_type": "string: Class of the neurons.",
                "spiking": "boolean: Whether they spike.",
                "on_chip": "boolean: Whether they are on the chip.",
            },
            "The populations.",
        ],
        "pathways": [
            {
                "": "One route from a population to the next.",
                "pathway": "string: Its name.",
                "kind": "string: neural, input, readout, bias, ...",
                "layer": "string: The layer that it belongs to.",
                "pre": "string: Where it starts.",
                "post": "string: Where it leads.",
                "on_chip": "boolean: Whether it is on the chip.",
                "synapses": "integer|null: Its synapses.",
                "weights": "integer|null: Its weights, shared ones once.",
            },
            "The routes.",
        ],
        "learning": [
            {"": "One learning rule.", "name": "string: Its name.",
             "weights": "integer: Weights that it changes."},
            "The learning rules.",
        ],
        "uncounted": [
            {"": "One part.", "name": "string: Its name.", "reason": "string: Why not."},
            "What can't be counted.",
        ],
    }),
    "activity": ("`measure` and `Activity`", {
        "format": "=nengo-spikecost/activity/1",
        "verdict?": "@verdict: The verdict.",
        "protocol": "@protocol: How the samples were presented.",
        "n_samples": "integer: Samples.",
        "populations": [
            {
                "": "One population.",
                "population": "string: Its name.",
                "spiking": "boolean: Whether its neurons spike.",
                "neurons": "integer: Neurons.",
                "spikes_per_sample": "number: Spikes of a sample, mean.",
                "rate_hz": "number: Mean firing rate in Hz.",
            },
            "The populations.",
        ],
        "outputs": {"": "Values of each output, by its name.", "*": "integer: How many."},
        "cores": ["string: Name of a block.", "Cores that were counted; null: no chip.", "?"],
    }),
    "workload": ("`Workload`", {
        "format": "=nengo-spikecost/workload/1",
        "verdict?": "@verdict: The verdict.",
        "presentation": "@presentation: How long the samples were presented.",
        "layers": [WORKLOAD_ROW, "The layers."],
        "total": {"": "All layers together.", **LAYER_LABELS, **COUNTS},
        "uncounted": ["@uncounted: One part.", "What could not be counted."],
    }),
    "devices": ("`devices`", {
        "format": "=nengo-spikecost/devices/1",
        "devices": ["@device: One.", "The devices."],
        "presets": ["object: cost_model, and the keys of a device.",
                    "Devices that a cost model prices in place of those of the same name."],
    }),
    "checkpoint": ("`arguments.json` in the folder of a checkpoint", {
        "format": "=nengo-spikecost/checkpoint/2",
        "*": "any: An argument that results depend on, by name; of large ones, a digest.",
    }),
}  # fmt: skip
