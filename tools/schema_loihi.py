"""JSON files of networks on Loihi.

In the notation of ``json_schemas.py``. Of each kind its title, and its content; the key is the name
of the file and of the format.
"""

from __future__ import annotations

from typing import Any

from schema_parts import CONVERSION, GRAPH

FULLEST: dict[str, Any] = {
    "compartments": "@use: Neurons of its fullest core.",
    "input_axons": "@use: Input axons of its fullest core.",
    "output_axons": "@use: Output axons of its fullest core.",
    "synapse_bits": "@use: Synaptic memory of its fullest core, in bits.",
}

TILES: dict[str, Any] = {
    "layer": "string: Name of the layer.",
    "cores": "integer: Cores that it takes.",
    "block_shape": ["integer: Length of an axis.", "Shape of the neurons of one core."],
}

FIT: dict[str, Any] = {
    "objective": "string: What the search made small: cores, messages, time, ...",
    "cores": "integer: Cores of the network.",
    "chips": "integer: Chips.",
    "lower_bound": "integer: No block shapes take fewer cores.",
    "is_optimal": "boolean: Whether that many are reached.",
    "ended": ("Why the search ended.", "complete", "time", "interrupt"),
    "busiest_core_ns": "number: Modelled time of a step of the busiest core, in ns.",
    "messages_per_step": {
        "": "Messages of a step.",
        "from_host": "number: From the host to cores.",
        "on_chips": "number: From cores to cores.",
    },
    "rates_known": "boolean: Whether spikes were measured; if not, all neurons fire at 100 Hz.",
    "layers": [
        {
            "": "One layer.",
            **TILES,
            "shape": ["integer: Length of an axis.", "Shape of all its neurons."],
            "step_ns": "number: Modelled time of a step of its busiest core, in ns.",
            **FULLEST,
        },
        "The layers on the chip.",
    ],
    "code": "string|null: Python that sets the block shapes; null: the layers' order differs.",
}

ENDS = {"": "Energy and time product of an inference within the boundary.",
        "energy_J": "@range: Energy in J.", "power_W": "@range: Mean power in W.",
        "edp_Js": "@range: Energy-delay product in Js."}  # fmt: skip

CORE_COUNTS: dict[str, Any] = {
    "compartments": "integer: Neurons.",
    "synops": "number: Synaptic operations per inference.",
    "active_updates": "number: Updates that have something to do, per inference.",
    "spikes": "number: Spikes per inference.",
    "messages_out": "number: Messages sent per inference.",
    "axon_events": "number: Messages that arrived per inference.",
    "~^[a-z_]+_J$": "number: Energy of one part in J, or an end of the sum's range.",
    "energy_J": "number: Energy per inference in J.",
    "energy_low_J": "number: Low end of it, in J.",
    "energy_high_J": "number: High end of it, in J.",
    "slowest": "number: Share of the steps in which it was the slowest.",
}

#: Constants of a chip, a board and the way to its host: as their files have them.
CHIP_CONSTANTS: dict[str, Any] = {
    "": "Constants of the chip, its board and the way to its host.",
    "profile": "object: Energies and times of events, each a constant with its source.",
    "board": "object|null: Powers and waiting times of the board.",
    "host_io": "object|null: Time of a step in which the host writes and reads.",
    "x86_active?": "object: Share of the time that the x86 runs code.",
}

LIMIT: dict[str, Any] = {
    "name": "string: The layer; chip: all cores.",
    "n_cores": "integer: Cores.",
    "step_s": "number: Mean time of a step if these were the only cores, in s.",
    "decided_by": {
        "": "Share of the steps that each decides.",
        "synops": "number: Synops.", "updates": "number: Updates of neurons, and their spikes.",
        "messages": "number: Messages sent and arrived.",
        "barrier": "number: Until all tiles and chips agree.",
        "host": "number: What goes in and out of the chip.",
    },
    "core": "string: The core that is the slowest of these in most steps.",
    "tied": ["string: A core.", "Those as slow as that in most steps that it is the slowest in."],
    "slowest": "number: Share of the steps in which it, or one tied, is the slowest of these.",
    "core_decider": "string: What takes it, or one tied, most time where it is the slowest: "
    "synops, updates or messages.",
    "core_sets": "number: Share of the chip's steps whose time it, or one tied, sets.",
    "all_sets": "number: Share of the chip's steps whose time one of these cores sets.",
    "core_saves_s": "number: What half its load makes a step of the chip shorter by, in s.",
    "tied_saves_s": "number: The same of it and those tied, in s.",
    "all_saves_s": "number: The same of all these cores, in s.",
    "then": "string|null: Who limits then; null: they set the time of no step.",
}  # fmt: skip

FLOORLINE: dict[str, Any] = {
    "level": "string: low, nominal or high: of the constants.",
    "host": "boolean: Whether steps wait for what goes in and out of the chip.",
    "by_step": "boolean: Whether every step was counted; if not, each inference is one long step.",
    "step_s": "number: Mean time of a step of the chip in s.",
    "least_s": "number: No other blocks on as many cores a layer take less a step, in s.",
    "sentence": "string: Who sets the time of most steps, and what halving that gives.",
    "chip": {"": "All cores together.", **LIMIT},
    "layers": [{"": "One layer.", **LIMIT}, "The layers on the chip."],
}

FLOORLINES: dict[str, Any] = {
    "": "What decides the time of a step.",
    "with_host?": {"": "As steps are, if their time is predicted.", **FLOORLINE},
    "cores_alone": {"": "If nothing went in or out.", **FLOORLINE},
}

TOLD_APART: dict[str, Any] = {
    "boundary": "string: The boundary.",
    "board": "string: The board.",
    "confidence": "number: That the means of all runs are in their true order.",
    "unit": "string: J of an inference, or W of networks that run on.",
    "difference": "number: Of the second and the first, as predicted, in that unit.",
    "deviation": "number: Standard deviation of the difference of a run of each, in that unit.",
    "offset": "number: What that difference may be off by in all runs alike, in that unit.",
    "runs": "integer|null: Runs of each; null: no number of them will do.",
    "sentence": "string: Both amounts and the runs, or why none will do.",
    "networks": [
        {
            "": "One network.",
            "network": "string: first or second.",
            "nominal": "number: What it takes, as predicted, in that unit.",
            "low": "number: Low end of it.",
            "high": "number: High end of it.",
            "unit": "string: J or W.",
            "presentations": "integer: Presentations of a run.",
            "runs": "integer|null: Runs; null: no number of them will do.",
            "host_does_more?": "boolean: Whether all this holds only if steps take no longer.",
        },
        "The two networks.",
    ],
}  # fmt: skip

CHIP_COST: dict[str, Any] = {
    "format": "=nengo-spikecost/loihi-chip/3",
    "verdict?": "@verdict: The verdict.",
    "presentation": "@presentation: How long the samples were presented.",
    "chip": {
        "": "What of the chip is in use.",
        "cores": "integer: Cores in use.",
        "chips": "integer: Chips in use.",
        "tiles_of_fullest_chip": "integer: Tiles in use on the chip with the most of them.",
        "placement": "string: How cores were placed.",
        "powered_cores": "integer: Cores that static power is drawn for.",
        "active_share": "@range: Share of all updates that have something to do.",
    },
    "boundaries": {
        "": "Energy within each boundary; each holds the one before it.",
        "core_dynamic": {**ENDS, "": "What cores do with spikes."},
        "total_dynamic": {**ENDS, "": "That, and the clock and code of the x86 cores."},
        "used_cores": {**ENDS, "": "That, and the static power of the cores in use."},
        "chip": {**ENDS, "": "That, and the static power of their chips and of cores that are on."},
        "board": {**ENDS, "": "That, and the other chips of the board."},
    },
    "parts_J": {"": "Energy by part, in J; together that of the board.", "*": "@range: In J."},
    "latency_s": "@range: Time of an inference in s.",
    "latency_is_at_least": "boolean: Whether a part of the time is not known.",
    "host_does_more?": "boolean: Whether the host does more in a step than is counted, so that "
    "times, and energies but that of core_dynamic, are at least these.",
    "step_s": "@range: Time of a step in s.",
    "inferences_per_s": "@range: Inferences per second.",
    "time_parts_s": {
        "": "Where the time of an inference goes.", "*": "number|null: Time in s; null: not known.",
    },
    "not_predicted?": [
        "string: time of a step, or a boundary of energy.",
        "What hangs on a time of steps that is not known: nominal values are null.",
    ],
    "slowest_core": "string: Name of the core that is most often the slowest.",
    "floorline": FLOORLINES,
    "measurability": [
        {
            "": "Within one boundary.",
            "boundary": "string: The boundary.",
            "board": "string: The board.",
            "power_W": "@range: Power that is predicted, in W.",
            "error": "number: Share of it that the mean of all runs may be off by.",
            "confidence": "number: That it is off by no more.",
            "presentations": "integer: Presentations of a run.",
            "runs": "integer|null: Runs; null: no number of them will do.",
            "runs_at_low": "integer|null: Runs, if the power is at the low end of its range.",
            "between_runs_W": "number: Standard deviation of the power of runs, in W.",
            "offset_W": "number: What all runs may be off by alike, in W.",
            "quantile": "number: Student's, for that confidence.",
            "degrees?": "integer: Its degrees of freedom.",
            "host_does_more?": "boolean: Whether all this holds only if steps take no longer.",
        },
        "How often the board has to run it to measure its power; empty: its noise is not known.",
    ],
    "layers": [
        {
            "": "One layer.", "name": "string: Name of the layer.", "n_cores": "integer: Cores.",
            **CORE_COUNTS,
        },
        "The layers on the chip.",
    ],
    "cores": [
        {
            "": "One core.", "name": "string: Name of the block on it.",
            "layer": "string: The layer of its neurons.", "chip": "integer: Its chip.",
            **CORE_COUNTS,
            "busy_s": "number: Time that it works in an inference, in s.",
            "busy_low_s": "number: Low end of it, in s.",
            "busy_high_s": "number: High end of it, in s.",
        },
        "The cores.",
    ],
    "not_priced": ["string: What, in a sentence.", "What no constant is known for."],
    "constants": CHIP_CONSTANTS,
}  # fmt: skip

TARGET: dict[str, Any] = {
    "format": "=nengo-spikecost/deployment/1",
    "verdict?": "@verdict: The verdict.",
    "nir?": {"": "What became of a NIR graph.", **GRAPH},
    "target": "string: emulator, simulator or board.",
    "protocol": "@protocol: How the samples were presented.",
    "n_samples": "integer: Samples.",
    "cores": "integer|null: Cores; null: not known of this target.",
    "readout": "string: last or mean: how predictions are read.",
    "options": "object: Options of `deploy` that were not the defaults, by name.",
    "accuracy": "number|null: Share of predictions that are right, 0 to 1.",
    "scores": ["@score: One.", "How well the Keras model and the chip do."],
    "predictions": "array|null: The class of every sample; null: the output is no class.",
    "attempts": ["@attempts: Of one purpose.", "Settings that were tried."],
    "first_steps_of_outputs?": {
        "": "Step in which a spike of the input can first be read, by output.",
        "*": "integer|null: The step, from 1; null: no way leads there from an input.",
    },
    "layers": [
        {
            "": "One layer.",
            "layer": "string: Name of the layer.",
            "place": "string: chip or host.",
            "neurons": "integer: Neurons.",
            "cores": "integer|null: Cores.",
            "block_shape": ["integer: Length of an axis.", "Shape of a block; null: none.", "?"],
            "spikes": "number|null: Spikes per sample.",
            "rate_hz": "number|null: Mean firing rate in Hz.",
            "silent?": "integer|null: Neurons that spiked for no sample.",
            "first_step?": "integer|null: Step in which a spike of the input can first reach it.",
            "dead?": "boolean|null: Whether none of them spiked.",
            "synops?": "number|null: Synaptic operations per sample.",
            "messages?": "number|null: Messages per sample.",
        },
        "The layers, on the chip and on the host.",
    ],
    "cost?": {"": "With `--cost`: energy and latency of the chip.", **CHIP_COST},
}

LOIHI_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "preflight": ("`check` and `preflight`", {
        "format": "=nengo-spikecost/preflight/1",
        "verdict?": "@verdict: The verdict.",
        "runs": "boolean: Whether the model runs on Loihi as it is.",
        "problems": [
            {
                "": "Something that stands in the way.",
                "name": "string: The layer or object.",
                "reason": "string: What is wrong with it.",
                "remedy": "string: What to do.",
                "refused": "boolean: Whether NengoLoihi refuses it, or would compute it wrong.",
            },
            "What stands in the way.",
        ],
        "misfits": ["string: A sentence.", "Layers that no core has room for."],
        "conversion": {"": "What layers became; null: made in Nengo.", "?": True, **CONVERSION},
        "nir?": {"": "What became of a NIR graph.", **GRAPH},
        "fit": {"": "Block shapes; null: none were found.", "?": True, **FIT},
    }),
    "block-fit": ("`fit` and `fit_blocks`", {
        "format": "=nengo-spikecost/block-fit/1", "verdict?": "@verdict: The verdict.", **FIT,
    }),
    "deployment": ("`deploy`", TARGET),
    "loihi-chip": ("`ChipCost`, and `cost` in the file of `deploy --cost`", CHIP_COST),
    "floorline": ("`ChipCost.floorline`", {
        "format": "=nengo-spikecost/floorline/1", "verdict?": "@verdict: The verdict.", **FLOORLINE,
    }),
    "told-apart": ("`told_apart`", {
        "format": "=nengo-spikecost/told-apart/1", "verdict?": "@verdict: The verdict.",
        **TOLD_APART,
    }),
    "core-use": ("`core_use`", {
        "format": "=nengo-spikecost/core-use/1",
        "verdict?": "@verdict: The verdict.",
        "cores": "integer: Cores.",
        "fits": "boolean: Whether every block has room on a core.",
        "layers": [
            {"": "One layer.", **TILES, "fits": "boolean: Whether it has room.", **FULLEST},
            "The layers.",
        ],
    }),
    "loihi-mapping": ("`place` and `Mapping`", {
        "format": "=nengo-spikecost/loihi-mapping/2",
        "verdict?": "@verdict: The verdict.",
        "allocator": "string: How blocks were placed.",
        "n_cores": "integer: Cores.",
        "n_chips": "integer: Chips.",
        "cores_per_chip": "integer: Cores of a chip.",
        "mesh": {
            "": "The mesh of tiles of a chip.",
            "width": "integer: Tiles from west to east.",
            "height": "integer: Tiles from north to south.",
            "cores_per_tile": "integer: Cores of a tile.",
            "chips_per_row": "integer: Chips side by side.",
        },
        "limits": {"": "What a core has.", "compartments": "integer: Neurons.",
                   "input_axons": "integer: Input axons.", "output_axons": "integer: Output axons.",
                   "synapse_bits": "integer: Synaptic memory in bits."},
        "blocks": [
            {
                "": "One block.",
                "block": "string: Its name.",
                "layer": "string: Its layer.",
                "kind": "string: neurons, or what else is on the core.",
                "chip": "integer: Its chip.",
                "core": "integer: Its core on the chip.",
                "column": "integer: Column of its tile.",
                "row": "integer: Row of its tile.",
                "compartments": "integer: Neurons.",
                "input_axons": "integer: Input axons.",
                "output_axons": "integer: Output axons.",
                "synapse_bits": "integer: Synaptic memory in bits.",
                "messages_sent": "integer: To other blocks, over all samples.",
                "messages_received": "integer: From other blocks, over all samples.",
                "messages_from_host": "integer: From the host, over all samples.",
            },
            "The blocks.",
        ],
        "messages": {
            "": "Messages over all samples.",
            "measured": "boolean: Whether they were counted; if not, one a pair of neurons.",
            "n_samples": "integer: Samples.",
            "n_steps": "integer: Steps of a sample.",
            "on_chip": "integer: Messages that stay on their chip.",
            "chip_to_chip": "integer: Messages from chip to chip.",
            "host_to_chip": ["integer: Messages.", "From the host, by chip."],
            "between_chips": [["integer: Messages.", "To each chip."], "From each chip."],
            "routes": ["array: Sender, receiver, messages.", "Messages by sender and receiver."],
            "unknown": ["string: Name.", "Senders whose messages are not known."],
        },
        "hops": {
            "": "Hops of all messages.",
            "east_west": "integer: From west to east or back.",
            "north_south": "integer: From north to south or back.",
            "chip_crossings": "integer: From chip to chip.",
            "within_tile": "integer: Messages that stay in their tile.",
        },
        "chip_to_host": [
            {
                "": "What the host reads from one chip at every step.",
                "chip": "integer: The chip.",
                "values": "integer: Values.",
                "words": "integer: Words.",
                "packets": "integer: Packets.",
            },
            "What the host reads.",
        ],
        "search": {
            "": "The search for places; null: there was none.", "?": True,
            "start_cost": "number|null: Cost of the first places.",
            "cost": "number|null: Cost of the places that were taken.",
            "lower_bound": "number|null: No places cost less.",
            "is_optimal": "boolean|null: Whether that is reached.",
            "in_time": "boolean|null: Whether the search was done in time.",
        },
        "bounds": [
            {
                "": "What no placement is better than.",
                "quantity": ("Of what.", "messages", "chip to chip", "hops", "step"),
                "found": "number: Of this placement: of an inference; of a step, in s.",
                "least": "number: Of any, at least.",
                "gap": "number: Share of what was found that may be saved at most.",
                "over": "string: What any is: other blocks, or these on the same cores.",
                "exact?": "boolean: Whether all were tried, so that one of them reaches it.",
                "deal?": {
                    "": "Other blocks that reach it, by layer.",
                    "*": [["integer: A neuron.", "Those on one core."], "Its cores."],
                },
            },
            "Lower bounds.",
        ],
    }),
    "emulation": ("`Emulator.run`", {
        "format": "=nengo-spikecost/emulation/2",
        "verdict?": "@verdict: The verdict.",
        "n_samples": "integer: Samples.",
        "n_steps": "integer: Steps of a sample.",
        "dt": "number: Length of a step in s.",
        "presentation": "string: fresh or continuous.",
        "blocks": [
            {
                "": "One block, mean over samples.",
                "block": "string: Its name.",
                "compartments": "integer: Neurons.",
                "spikes": "number: Spikes.",
                "axon_events": "number: Messages that arrived.",
                "synops": "number: Synaptic operations.",
                "messages_out": "number: Messages sent.",
                "with_input": "number: Neuron updates with input.",
                "active": "number: Updates with input, or of a state or a bias other than 0.",
            },
            "The blocks.",
        ],
        "chip_to_host": "number: Spikes read by the host per sample.",
        "host_to_chip": "number: Spikes written by the host per sample.",
    }),
    "sana-fe-check": ("`sana_fe_check`", {
        "format": "=nengo-spikecost/sana-fe-check/1",
        "verdict?": "@verdict: The verdict.",
        "n_steps": "integer: Steps.",
        "profile": "string: Name of the constants.",
        "timing": "string: SANA-FE's timing model.",
        "parts": [
            {
                "": "One part of the energy.",
                "part": "string: Its name.",
                "ours_J": "number: Ours, in J.",
                "sana_fe_J": "number: SANA-FE's, in J.",
                "unexplained_J": "number: Difference that no cause is known of, in J.",
                "differences_J": {"": "What SANA-FE has more in J, by cause.", "*": "number: J."},
            },
            "The parts.",
        ],
        "step_s": {"": "Mean time of a step.", "ours": "number: Ours, in s.",
                   "sana_fe": "number: SANA-FE's, in s."},
    }),
}  # fmt: skip
