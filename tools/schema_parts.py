"""Parts that several kinds of JSON files share, in the notation of ``json_schemas.py``."""

from __future__ import annotations

from typing import Any

VERDICT: dict[str, Any] = {
    "": "What to make of the result, in sentences, and what to do next.",
    "lines": [
        {
            "": "One line of the verdict.",
            "about": "string: What the line is about: accuracy, Loihi, worth it?",
            "sentence": "string: The sentence, as it is printed.",
        },
        "The lines, in the order in which they are printed.",
    ],
    "next_steps": [
        {
            "": "One thing to do next.",
            "advice": "string: What to do, and why.",
            "command": "string: The command that does it; empty if there is none.",
            "tried": "boolean: Whether the advice states what came of it.",
        },
        "What to do next, the most useful first.",
    ],
}

PRESENTATION: dict[str, Any] = {
    "": "For how long the samples were presented, and how many there were.",
    "n_steps": "number: Steps of a sample.",
    "dt_s": "number: Length of a step in seconds.",
    "n_samples": "integer: Samples that the means are taken over; 0 if none were measured.",
    "runs_on?": "boolean: Whether the network has no inferences, but runs on: counts and energies "
    "are of all its steps, and power_W is their energy over the time.",
}

PROTOCOL: dict[str, Any] = {
    "": "How the samples were presented.",
    "simulator": "string: Which simulator counted the spikes.",
    "presentation": (
        "fresh: every sample starts from the network's initial state. continuous: each runs on "
        "from the sample before.",
        "fresh", "continuous",
    ),
    "n_steps": "integer: Steps of a sample.",
    "n_samples?": "integer: Samples, where the file does not say it elsewhere.",
    "dt": "number: Length of a step in seconds.",
    "batch_size": "integer: Samples that were simulated side by side.",
    "seed": "integer|null: Seed of everything random in the build and the run.",
    "constant_inputs": "boolean: Whether no input changed while its sample was presented.",
    "frames": "number|null: Runs of steps in which no input changes, mean over samples; null: "
    "not known.",
    "input_frames": {"": "The same for each input, by its name.", "*": "number: Frames."},
    "notes": ["string: A sentence.", "What the simulator says of how it ran the network."],
    "runs_on?": "boolean: Whether the network has no inferences, but runs on: it is recurrent, "
    "learns, or was given no samples.",
}  # fmt: skip

ATTEMPT: dict[str, Any] = {
    "": "One setting.",
    "changes": "object: Options that are other than those of the result, by name.",
    "accuracy": "number: Accuracy, of the better way to read the output.",
    "energy_J": "number|null: Energy per inference on Loihi's cores in J; null: not known.",
    "synops": "number|null: Synaptic operations per inference on the chip; null: none is there.",
    "max_rate_hz": "number|null: Highest rate of any neuron in Hz.",
    "judged": "boolean: Whether it was run as the result was; if not, in compiled code.",
}

ATTEMPTS: dict[str, Any] = {
    "": "Settings that were tried for the next steps of the verdict.",
    "purpose": ("What was asked of them.", "accuracy", "energy", "rates", "host"),
    "where": "string: Where they were tried.",
    "n_samples": "integer: On how many of the samples: the first ones.",
    "keras_accuracy": "number: Accuracy of the Keras model on them.",
    "stopped": "boolean: Whether time was over before all were tried.",
    "now": "@attempt: The result itself, on these samples.",
    "tried": ["@attempt: One setting.", "What was tried, in order."],
}

UNCOUNTED: dict[str, Any] = {
    "": "Something that could not be counted, so that totals are lower bounds.",
    "name": "string: What it is.",
    "layer": "string: The layer that it belongs to.",
    "reason": "string: Why it could not be counted.",
}

CONSTANT: dict[str, Any] = {
    "": "A constant of the hardware, with where it is from.",
    "value": "number: The value that is used.",
    "low": "number|null: The low end of its range; null: no range is known.",
    "high": "number|null: The high end of its range.",
    "source": "string: The publication it is from.",
    "year": "integer|null: Its year.",
    "evidence": "string: How it is known: measured, fitted, simulated, quoted, survey, ...",
    "unit": "string: The unit of all three values: J, W or s.",
    "note": "string: What else there is to say.",
}

DEVICE: dict[str, Any] = {
    "": "A device as constants.",
    "name": "string: Its name, as `--devices` takes it.",
    "spiking": "boolean: Whether it works on spikes; if not, it runs the network densely, once.",
    "energy_per_synop": "@constant: Of a synaptic operation; without spikes, of a "
    "multiply-accumulate.",
    "energy_per_neuron": "@constant: Of a neuron update.",
    "description": "string: What it is.",
    "process": "string: Its process node; empty: not known.",
    "note": "string: What else there is to say.",
    "weights": "string: full or factored: how it keeps the weights between ensembles.",
    "energy_per_spike": "@constant|null: Of a spike, beside its synaptic operations.",
    "static_power": "@constant|null: Drawn without any work; null: not known.",
    "step_time": "@constant|null: Time that a step takes on it; without spikes, a call.",
    "layer_time": "@constant|null: Time that each layer of a call takes, however small.",
    "operations": {
        "": "Energies of single operations and memory accesses, by their name.",
        "*": "@constant: Of one.",
    },
    "neurons_per_chip": "integer|null: Neurons of a chip, where static power is that of a chip.",
    "by_default": "boolean: Whether it is among the devices that are taken without a choice.",
    "one_sample": "string: The device to take for one sample at a time, where constants are of "
    "large batches; empty: none.",
}

SPREAD: dict[str, Any] = {
    "": "How far the energy per inference differs between samples.",
    "n_samples": "integer: Samples.",
    "mean_J": "number: Mean, in J.",
    "low_J": "number: 5th percentile, in J.",
    "high_J": "number: 95th percentile, in J.",
    "worst_J": "number: Maximum, in J.",
    "worst_sample": "integer: The sample of the maximum, counted from 0.",
    "mean_low_J": "number: Low end of the bootstrap interval of the mean, in J.",
    "mean_high_J": "number: High end of it, in J.",
    "confidence": "number: Confidence of that interval, 0 to 1.",
}

ESTIMATE: dict[str, Any] = {
    "": "The energy of an inference on one device.",
    "constants": "@device: The device, with the constants that the estimate was made with.",
    "total_energy_J": "number: Mean over samples in J, without the host.",
    "power_W": "number|null: Mean power in W of a network that runs on; null: it has inferences.",
    "range_J": ["number: J.", "The total with all constants at the low, and at the high end."],
    "samples_J": ["number: J.", "The total of every sample; a single one if all are the same."],
    "spread_J": "@spread: The same, summed up.",
    "static": {
        "": "Static power, if it is known of the device.",
        "?": True,
        "power_W": "number: Power in W, of all chips.",
        "seconds": "number: Time of an inference in s.",
        "n_chips": "integer: Chips.",
        "at_least?": "boolean: Whether the time is the shortest that it may be: not predicted.",
        "n_layers?": "integer: Layers of a pass whose launch is in the time; 0: not told.",
    },
    "host_energy_J": "number: Energy in J of the work beside the device, in no total.",
    "host_device": "string|null: The device that work is priced on.",
    "lower_bound": "boolean: Whether something is missing, so that totals are at least this.",
    "host": [
        {
            "": "Work that is done beside the device, for one layer.",
            "layer": "string: The layer.",
            "role": "string: input, neurons, readout, function, ...",
            "macs": "number: Multiply-accumulates per inference.",
            "updates": "number: Neuron updates per inference.",
            "operations": "number: Other operations per inference.",
            "energy_J": "number: Energy in J.",
        },
        "The work beside the device.",
    ],
    "uncounted": ["@uncounted: One part.", "What is missing from the estimate."],
}

#: The counts of a layer or of all; in JSON the names of its columns.
COUNTS: dict[str, Any] = {
    "params": "integer|null: Parameters of the layer.",
    "connections": "integer|null: Synapses of all kinds but biases.",
    "neurons": "integer|null: Neurons.",
    "macs": "number|null: Multiply-accumulates of one dense pass.",
    "rate_hz": "number|null: Mean firing rate in Hz; null: nothing spikes, or nothing measured.",
    "spikes": "number|null: Spikes per inference.",
    "synops": "number|null: Synaptic operations per inference: spikes times targets reached.",
    "average_synops": "number|null: What mean rate times synapses would have made of it.",
    "factored": "number|null: Operations per inference of a device that keeps weights factored.",
    "updates": "number|null: Neuron updates per inference.",
    "weight_updates": "integer|null: Weights changed by learning rules per inference.",
    "lower_bound": "boolean: Whether something could not be counted.",
    "max_rate_hz": "number|null: Highest rate of any neuron for any sample, in Hz.",
    "silent": "integer|null: Neurons that spiked for none of the samples.",
    "dead": "boolean: Whether none of its spiking neurons spiked for any sample.",
    "beyond_step": "boolean: Whether a neuron spiked more often than there are steps.",
}

LAYER_LABELS: dict[str, Any] = {
    "layer": "string: Name of the layer.",
    "type": "string: Its class.",
    "output_shape": "string: Its output shape, as Keras prints it.",
    "where": "string: host if all its work is done beside a spiking device; else empty.",
}

WORKLOAD_ROW: dict[str, Any] = {"": "The counts of one layer.", **LAYER_LABELS, **COUNTS}

CHOICE: dict[str, Any] = {
    "": "What a layer became where there was a choice.",
    "layer": "string: Name of the layer.",
    "layer_type": "string: Its class.",
    "choice": "string: What it became.",
    "exact": "boolean: Whether that computes the same as the layer.",
    "on_host": "boolean: Whether it runs beside the chip.",
}

SCORE: dict[str, Any] = {
    "": "How well an output does on labelled samples.",
    "name": "string: Whose output, and how it is read.",
    "kind": "string: classes, binary, multi-label or regression.",
    "accuracy": "number|null: Share that is right, 0 to 1; null for a regression.",
    "n_right": "integer: How many are right.",
    "n": "integer: Of how many; for a regression, values.",
    "rmse": "number|null: Root of the mean squared error against the targets.",
    "correlation": "number|null: Pearson's correlation with the targets.",
    "lowest_correlation": "number|null: The least of the correlations of single values.",
    "rmse_to_keras": "number|null: The error against the outputs of the Keras model.",
    "correlation_to_keras": "number|null: The correlation with them.",
}

RANGE: dict[str, Any] = {
    "": "A value, with all constants together at the ends of their ranges.",
    "low": "number|null: With the constants that make it lowest; null: not bounded.",
    "nominal": "number|null: With the constants as they are; null: not predicted.",
    "high": "number|null: With the constants that make it highest.",
}

USE: dict[str, Any] = {
    "": "Use of one resource of a core.",
    "used": "integer: How much of it is used.",
    "limit": "integer: How much a core has.",
}

STACK: dict[str, Any] = {
    "": "The software that it was made with.",
    "python": "string: Version of Python.",
    "platform": "string: Operating system and processor.",
    "versions": {"": "Versions of the packages, by their name.", "*": "string|null: Version."},
    "patches": ["string: Name of a patch.", "What was patched for them to work together."],
    "problem": "string|null: What does not work; null: nothing.",
}

SCALES = {"": "Firing-rate scale by layer, for `scale_firing_rates`.", "*": "number: Scale."}

GRAPH: dict[str, Any] = {
    "format": "=nengo-spikecost/nir/1",
    "graph": "string: Name of the graph: that of its file.",
    "convention": "string: The tool whose steps its neurons take.",
    "steps": "string: What a step is, in words.",
    "dt": "number: Length of a step in the graph's unit of time.",
    "step_s": "number: Length of a step in seconds.",
    "notes": ["string: A clause.", "What was understood otherwise than it is written, and hints."],
    "rows": [
        {
            "": "One node.",
            "node": "string: Its name.",
            "kind": "string: Its kind, as NIR calls it.",
            "shape": ["integer: Values along an axis.", "What it gives, channels first.", "?"],
            "became": "string: Its form in Nengo.",
            "state": ("What became of it.", "read", "approximated", "refused", "unused"),
            "notes": ["string: A clause.", "Differences and reasons."],
        },
        "The nodes, in the order in which signals meet them.",
    ],
}  # fmt: skip

CONVERSION: dict[str, Any] = {
    "model": "string: Name of the Keras model.",
    "neuron_type": "string: The neurons that activations became.",
    "neurons": {"": "Neurons by their type.", "*": "integer: Neurons."},
    "synapse": "string|null: Filter of the spikes; null: none.",
    "lowered": "boolean: Whether linear layers were composed, as hardware has them.",
    "choices": ["@choice: One layer.", "Layers that became something special."],
    "rows": [
        {
            "": "One layer.",
            "layer": "string: Name of the layer.",
            "type": "string: Its class.",
            "output_shape": "string: Its output shape, as Keras prints it.",
            "params": "integer|null: Its parameters.",
            "neurons": "integer: Its neurons.",
            "became": "string: What it became.",
            "runs_on": "string: chip or host; empty: nowhere.",
            "scale": "number|null: Its firing-rate scale; null: it has no neurons.",
        },
        "The layers, in the order of the model.",
    ],
}

DEFINITIONS: dict[str, Any] = {
    "attempt": ATTEMPT, "attempts": ATTEMPTS,
    "verdict": VERDICT, "presentation": PRESENTATION, "protocol": PROTOCOL,
    "uncounted": UNCOUNTED, "constant": CONSTANT, "device": DEVICE, "spread": SPREAD,
    "estimate": ESTIMATE, "choice": CHOICE, "score": SCORE, "range": RANGE, "use": USE,
    "stack": STACK,
}  # fmt: skip
