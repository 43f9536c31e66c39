"""JSON files of firing rates, sweeps and training.

In the notation of ``json_schemas.py``. Of each kind its title, and its content; the key is the name
of the file and of the format.
"""

from __future__ import annotations

from typing import Any

from schema_parts import SCALES

_QUALITY: dict[str, Any] = {
    "accuracy?": "number|null: Share of images that are right, 0 to 1.",
    "r2?": "number|null: Of a regression: share of the targets' variance that is explained.",
    "rmse?": "number|null: Of a regression: root of the mean squared error.",
    "correlation?": "number|null: Of a regression: correlation with the targets.",
}

_INTERVAL = ["number: An end.", "Confidence interval of accuracy, or of R²."]

_LOSS_INTERVAL = ["number: An end.", "Confidence interval of the loss."]

_POINT: dict[str, Any] = {
    "": "One setting at one number of steps.",
    "trial": "integer: Number of the trial.",
    "origin": "string: Where the setting is from.",
    "baseline": "boolean: Whether it is one of those with one scale for all layers.",
    "scale_firing_rates": SCALES,
    "synapse": "number|null: Time constant of the filter in s; null: none.",
    "n_steps": "integer: Steps.",
    "latency_s": "number: Simulated time of a sample in s.",
    "energy_J": "number: Energy per inference in J.",
    "synops": "number|null: Synaptic operations per inference.",
    **_QUALITY,
    "interval": _INTERVAL,
    "loss": "number: What the Keras model has more, 0 to 1.",
    "loss_interval": _LOSS_INTERVAL,
    "simulator": "string: What judged it.",
    "searched": {
        "": "What the search saw of it, where another simulator judged it.", "?": True,
        **_QUALITY,
        "energy_J": "number: Energy per inference in J.",
        "synops": "number|null: Synaptic operations per inference.",
    },
}  # fmt: skip

TUNING_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "firing-rates": ("`tune` and `tune_firing_rates`", {
        "format": "=nengo-spikecost/firing-rates/1",
        "verdict?": "@verdict: The verdict.",
        "statistic": "string: What of the rates of a layer's neurons is its rate.",
        "tolerance": "number: Allowed deviation, as a share of the target.",
        "protocol": "@protocol: How the samples were presented; n_samples: how many.",
        "skip_steps": "integer: First steps that were not counted.",
        "reached": "boolean: Whether all layers reached their targets.",
        "n_simulations": "integer: Simulations that the search took.",
        "seconds": "number: Time that it took in s.",
        "in_place": "boolean: Whether scales were changed without a new conversion.",
        "searched_in": "string: The simulator that searched.",
        "judged_in": "string|null: The simulator whose rates are given; null: the same.",
        "scale_firing_rates": SCALES,
        "layers": [
            {
                "": "One layer.",
                "layer": "string: Name of the layer.",
                "scale": "number: Its firing-rate scale.",
                "target_hz": "number: Rate that was asked for, in Hz.",
                "allowed_hz": "number: Allowed deviation, in Hz.",
                "ceiling_hz": "number|null: Rate that its neurons can't exceed, in Hz.",
                "rate_hz": "number|null: Rate that it has, in Hz.",
                "reached": "boolean: Whether that is within what is allowed.",
                "reason": "string: Why not.",
                "mean_hz": "number: Mean rate of all its neurons, in Hz.",
                "max_hz": "number: Highest rate, in Hz.",
                "active": "number: Share of neurons and samples with a spike.",
                "silent": "number: Share of neurons without any spike.",
                "saturated": "number: Share of neurons and samples at the ceiling.",
                "linearity": "number|null: Deviation from what the activation asks for.",
                "skew": "number|null: Mean of the rates over their median.",
                "first_half_hz": "number|null: Rate in the first half of the steps, in Hz.",
                "second_half_hz": "number|null: Rate in the second half, in Hz.",
                "searched_hz": "number|null: Rate that the search saw, in Hz.",
                "error": "number|null: Deviation from the target, as a share of it.",
                "flags": ["string: A flag.", "What is unusual about its rates."],
            },
            "The layers.",
        ],
        "history": [
            {
                "": "One simulation.",
                "scales": {"": "Scale by layer.", "*": "number: Scale."},
                "rates_hz": {"": "Rate by layer, in Hz.", "*": "number: Rate."},
                "n_reached": "integer: Layers that reached their targets.",
            },
            "The simulations, in order.",
        ],
    }),
    "sweep": ("`sweep`", {
        "format": "=nengo-spikecost/sweep/1",
        "verdict?": "@verdict: The verdict.",
        "neuron_type": "string: The neurons that activations became.",
        "device": "string: The device that energies are for.",
        "cost_model": "string: Name of the cost model.",
        "simulator": "string: The simulator that judges.",
        "searched_in": "string: The simulator that searched.",
        "block_shapes": {"": "Block shape by layer; null: no chip was emulated.", "?": True,
                         "*": ["integer: Length of an axis.", "Shape of a block."]},
        "dt_s": "number: Length of a step in s.",
        "n_images": "integer: Images.",
        "confidence": "number: Confidence of all intervals, 0 to 1.",
        "task?": "string: regression; left out for classes.",
        "keras_accuracy?": "number: Accuracy of the Keras model, 0 to 1.",
        "keras_r2?": "number: Of a regression: its share of the variance.",
        "keras_rmse?": "number: Of a regression: its error.",
        "n_steps": ["integer: Steps.", "Numbers of steps that were looked at."],
        "synapses": ["number|null: s.", "Time constants that were looked at, in s."],
        "accuracy_losses": ["number: A loss.", "Losses that a best setting was looked for within."],
        "rule_scales": {"": "Scale by layer that gives 100 Hz by rule.", "*": "number: Scale."},
        "front": [_POINT, "The front: no other setting is better in accuracy, energy and steps."],
        "baseline": [_POINT, "The settings with one scale for all layers."],
        "trials": [
            {
                "": "One setting that was tried.",
                "number": "integer: Its number.",
                "state": "string: complete, stopped or failed.",
                "origin": "string: Where the setting is from.",
                "parent": "integer|null: The trial that it was made from.",
                "scale_firing_rates": SCALES,
                "synapse": "number|null: Time constant of the filter in s.",
                "reason": "string: Why it was stopped or failed.",
                "seconds": "number: Time that it took in s.",
                "readings": [
                    {
                        "": "What was seen at one number of steps.",
                        "n_steps": "integer: Steps.",
                        "n_images": "integer: Images seen.",
                        **_QUALITY,
                        "energy_J": "number: Energy per inference in J.",
                        "synops": "number|null: Synaptic operations per inference.",
                    },
                    "What was seen.",
                ],
            },
            "All settings that were tried.",
        ],
    }),
    "confirmation": ("`Sweep.confirm` and `sweep --confirm`", {
        "format": "=nengo-spikecost/confirmation/1",
        "verdict?": "@verdict: The verdict.",
        "simulator": "string: The simulator.",
        "n_images": "integer: Images that the sweep had not seen.",
        "keras_accuracy?": "number: Accuracy of the Keras model, 0 to 1.",
        "keras_r2?": "number: Of a regression: its share of the variance.",
        "keras_rmse?": "number: Of a regression: its error.",
        "keras_interval": _INTERVAL,
        "device": "string: The device that energies are for.",
        "rows": [
            {
                "": "One setting.",
                "trial": "integer: Number of the trial.",
                "n_steps_in_sweep": "integer: Steps in the sweep.",
                "n_steps": "integer: Steps here.",
                "synapse": "number|null: Time constant of the filter in s.",
                "scale_firing_rates": SCALES,
                **_QUALITY,
                **{f"{key[:-1]}_in_sweep?": text for key, text in _QUALITY.items()},
                "interval_in_sweep": _INTERVAL,
                "interval": _INTERVAL,
                "loss_in_sweep": "number: Loss in the sweep.",
                "loss": "number: Loss here.",
                "loss_interval": _LOSS_INTERVAL,
                "p_value": "number|null: Chance of so large a difference if there were none.",
                "energy_in_sweep_J": "number: Energy in the sweep in J.",
                "energy_J": "number: Energy here in J.",
                "synops_in_sweep": "number|null: Synaptic operations in the sweep.",
                "synops": "number|null: Synaptic operations here.",
            },
            "The settings.",
        ],
    }),
    "fine-tuning": ("`train` and `fine_tune`", {
        "format": "=nengo-spikecost/fine-tuning/1",
        "verdict?": "@verdict: The verdict.",
        "forward": "string: What ran forward in training: spikes or rates.",
        "n_steps": "integer: Steps of a sample.",
        "best_epoch": "integer: The epoch whose weights are kept; 0: those of before.",
        "scale_firing_rates": SCALES,
        "frozen": ["string: Name of a layer.", "Layers that were not trained."],
        "stopped": "string|null: Why training ended early.",
        "history": [
            {
                "": "One epoch; 0 is before training.",
                "epoch": "integer: Its number.",
                "loss": "number|null: Loss on the samples that were held out.",
                "accuracy": "number|null: Accuracy on them, 0 to 1.",
                "synops": "number|null: Synaptic operations per sample on them.",
                "objective": "number|null: What training makes small.",
                "train_loss": "number|null: Loss in training.",
                "train_accuracy": "number|null: Accuracy in training, 0 to 1.",
                "train_synops": "number|null: Synaptic operations in training.",
                "seconds": "number: Time of the epoch in s.",
            },
            "The epochs.",
        ],
    }),
}  # fmt: skip
