"""JSON files of chips that people can buy.

In the notation of ``json_schemas.py``. Of each kind its title, and its content; the key is the name
of the file and of the format.
"""

from __future__ import annotations

from typing import Any

CHIP: dict[str, Any] = {
    "": "The chip.",
    "name": "string: Its name here.",
    "title": "string: The product.",
}

RUN_TIME: dict[str, Any] = {
    "chip": CHIP,
    "n_samples": "integer: Samples.",
    "n_steps": "integer: Steps of a sample.",
    "dt": "number: Length of a step of the network in s.",
    "unit": ("Unit of what steps take.", "cycles", "s"),
    "join": ("Whether terms add up, or the largest counts.", "sum", "largest"),
    "terms": [
        {
            "": "One term of a step.",
            "term": "string: What is counted.",
            "each": "number|null: What one takes; null if that is not published.",
            "counted": "number: How many in a step, mean.",
            "most": "integer: How many in a step, at most.",
            "takes": "number|null: What they take, mean.",
            "all_active": "number|null: What they take if every input and neuron is active.",
            "decides": "number|null: Share of steps in which it is the largest, if that counts.",
        },
        "The terms.",
    ],
    "step": {
        "?": True,
        "": "What a step takes; null if that is not published.",
        "mean": "number: Mean over steps and samples.",
        "longest": "number: The longest that was counted.",
        "all_active": "number|null: If every input and neuron is active; null if not counted.",
        "means": ["number: Mean over samples.", "Step by step."],
    },
    "clock_Hz": {
        "": "The master clock in Hz.",
        "needed": "number|null: The slowest that is enough for these spikes.",
        "all_active": "number|null: Enough whatever is active, and a fifth more.",
        "default": "number|null: That of the chip by default.",
    },
    "powers": [
        {
            "": "A power that was measured, of another network.",
            "name": "string: What was measured.",
            "power_W": "number: Mean in W.",
            "low_W": "number: Lowest reading in W.",
            "high_W": "number: Highest reading in W.",
            "clock_Hz": "number|null: The clock while it was measured.",
            "source": "string: The publication.",
            "note": "string: Conditions.",
        },
        "Powers of the chip.",
    ],
    "energy_J": {
        "?": True,
        "": "Energy of a sample in J at the powers of other networks; null where none was measured "
        "at a clock that is enough.",
        "low": "number: At the lowest.",
        "high": "number: At the highest.",
    },
    "assumed": ["string: Name.", "Inputs that are taken for active at every step."],
    "source": "string: Of the model of a step.",
}

ORIGIN: dict[str, Any] = {
    "source": "string: The publication.",
    "year": "integer|null: Its year.",
    "evidence": ("How the number is known.", "read", "quoted", "computed"),
    "note": "string: What to know of it.",
}

CHIP_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "chips": ("`chips.listed` and `chips`", {
        "format": "=nengo-spikecost/chips/1",
        "chips": [
            {
                **CHIP,
                "": "One chip, with all that is published.",
                "note": "string: What to know of the numbers.",
                "clock_Hz": "number|null: Default of its master clock in Hz.",
                "clock_source": "string|null: The publication that says so.",
                "limits": [
                    {
                        "": "One limit.",
                        "quantity": "string: What is limited.",
                        "at_most": "integer|null: The largest number.",
                        "only": ["string: A word.", "The words that it takes."],
                        "cores": [
                            ["integer: Words.", "Of weights, neurons and biases."],
                            "Memories of its cores.",
                        ],
                        **ORIGIN,
                    },
                    "Its limits.",
                ],
                "step": {
                    "?": True,
                    "": "How long a step takes; null if nothing is published.",
                    "unit": ("Unit of what steps take.", "cycles", "s"),
                    "join": ("Whether terms add up, or the largest counts.", "sum", "largest"),
                    "terms": {"": "By term.", "*": "number|null: What one takes, if published."},
                    **ORIGIN,
                },
                "powers": [
                    {
                        "": "A power that was measured.",
                        "name": "string: What was measured.",
                        "power_W": "number: Mean in W.",
                        "low_W": "number: Lowest reading in W.",
                        "high_W": "number: Highest reading in W.",
                        "clock_Hz": "number|null: The clock meanwhile.",
                        **ORIGIN,
                    },
                    "Powers.",
                ],
                "refused": {"": "By what may be asked.", "*": "string: Why there is no number."},
            },
            "The chips.",
        ],
    }),
    "chip-fit": ("`chips.fit` and `fit --chip`", {
        "format": "=nengo-spikecost/chip-fit/1",
        "verdict": "@verdict: What is printed first.",
        "chip": CHIP,
        "fits": "boolean|null: Whether it fits; null if a quantity can't be told.",
        "limits": [
            {
                "": "One limit.",
                "quantity": "string: What is limited.",
                "network": "integer|null: What the network has; null of words, or if not known.",
                "words": ["string: A word.", "What it has, of a quantity in words."],
                "where": "string: The part of the network that has most.",
                "at_most": "integer|null: The largest number that the chip takes.",
                "only": ["string: A word.", "The words that the chip takes."],
                "within": ("Whether it is within.", "yes", "no", "rounded", "not known"),
                **ORIGIN,
            },
            "All limits that are published.",
        ],
        "unread": ["string: A part and why.", "Parts of the network that are in no number."],
        "notes": ["string: A sentence.", "What is to be known of its parts."],
        "run_time": {
            "?": True, **RUN_TIME, "": "How long its steps take; null if that was not counted.",
        },
    }),
    "run-time": ("`chips.run_time`", {
        "format": "=nengo-spikecost/run-time/1",
        "verdict": "@verdict: What is printed first.",
        **RUN_TIME,
    }),
}  # fmt: skip
