"""A `Deployment` layer by layer: as text, as rows, as plain values, and as bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from ...activity.scores import Score
from ...errors import DataError, MeasurementError
from ...graph import NetworkGraph
from ...layout import Presenter, Table, presents
from ...layout.charts import Bars, Chart
from ...layout.plots import bar_size, draw_bars
from ...layout.result import presenter_of
from ...layout.si import MISSING
from ...layout.verdict import POINTS, NextStep, Verdict, changed_words, train_step
from ...nir.shown.of_networks import graph_content, graph_sentences
from ...options import plain
from ...trying.attempts import FLAGS
from ...trying.retyping import changed_command, spiking_flags
from ...trying.steps import changed_names, steps_tried
from ...words import counted
from ...workload.row_counts import dead_words
from ..deployment import Deployment
from .core_map import core_map

#: Heading, key and format of the columns.
COLUMNS = (
    ("layer", "layer", "{}"), ("neurons", "neurons", "{:,}"),
    ("cores", "cores", "{:,}"), ("blocks of", "block_shape", "{}"),
    ("rate Hz", "rate_hz", "{:.1f}"), ("spikes", "spikes", "{:,.0f}"),
    ("synops", "synops", "{:,.0f}"), ("messages", "messages", "{:,.0f}"),
)  # fmt: skip

#: Where each target runs, in words.
WHERE = {
    "emulator": "on the emulated chip",
    "nengo_loihi": "on NengoLoihi's emulator",
    "board": "on a board",
}


@presents(Deployment)
class DeploymentPresenter(Presenter[Deployment]):
    """Protocol, accuracy and a table of layers."""

    format = "nengo-spikecost/deployment/1"
    index = "layer"
    panels = 2

    def title(self, deployment: Deployment) -> str:
        return f"{deployment.name} {WHERE[deployment.target]}"

    def about(self, deployment: Deployment) -> str:
        return _protocol(deployment)

    def verdict(self, deployment: Deployment) -> Verdict:
        return Verdict.of(
            ("error" if _regression(deployment) else "accuracy", _accuracy(deployment)),
            ("changed", changed_words(getattr(deployment.network, "choices", ()))),
            *_on_chip(deployment),
            next_steps=_next_steps(deployment),
        )

    def charts(self, deployment: Deployment) -> Iterable[Chart]:
        yield core_map(deployment.use)
        rows = deployment.layers()
        for key in ("spikes", "synops"):
            counts = {row["layer"]: row[key] for row in rows if row.get(key)}
            if counts:
                heading = f"{key.capitalize()} per sample on the chip's layers"
                yield Bars(heading, tuple(counts), {key: list(counts.values())})
        if deployment.activity.chip is not None:
            cost = deployment.cost()
            yield from presenter_of(cost).charts(cost)

    def summary(self, deployment: Deployment) -> Iterable[str | Table]:
        yield _protocol(deployment)
        choices = getattr(deployment.network, "choices", ())
        yield from (f"layer {choice.layer}: {choice.choice}" for choice in choices)
        yield from graph_sentences(deployment.network)
        yield from _scored(deployment)
        chip = deployment.activity.chip
        columns = [c for c in COLUMNS if c[1] not in ("synops", "messages") or chip]
        note = "Synops and messages are counted by target='emulator' only."
        if chip is not None:
            sent, read = np.mean(chip.host_to_chip), np.mean(chip.chip_to_host)
            note = f"Host to chip {sent:,.0f} spikes, chip to host {read:,.0f}."
        notes = (note, *_reached(deployment))
        rows: list[list[str]] = []
        sections: dict[int, str] = {}
        for place in ("chip", "host"):
            own = [row for row in deployment.layers() if row["place"] == place]
            if own:
                sections[len(rows)] = f"On the {place}"
            rows += [[_cell(row.get(k), text) for _, k, text in columns] for row in own]
        dead = deployment.dead_layers
        if dead:
            yield dead_words(list(dead), list(deployment.spiking_layers))
        yield ""
        right = tuple(key not in ("layer", "block_shape") for _, key, _ in columns)
        yield Table.of(
            [c[0] for c in columns], rows, right=right, title="per sample:", notes=notes,
            sections=sections,
        )  # fmt: skip

    def records(self, deployment: Deployment) -> list[dict[str, Any]]:
        """Populations of the network, then neurons that NengoLoihi adds to decode."""
        activity = deployment.activity
        seconds = activity.protocol.presentation_time
        uses = {use.ensemble: use for use in deployment.use.layers if use.ensemble is not None}
        rows, dead = [], deployment.dead_layers
        for population in NetworkGraph(deployment.network).populations:
            record = activity.populations[population.name]
            spikes = float(record.per_sample().mean())
            use = uses.get(population.ensemble)
            row: dict[str, Any] = {
                "layer": population.name, "place": "host" if use is None else "chip",
                "neurons": record.n_neurons, "cores": 0 if use is None else use.n_blocks,
                "block_shape": None if use is None else list(use.tiling.tile), "spikes": spikes,
                "rate_hz": spikes / record.n_neurons / seconds,
                "silent": int(record.n_neurons - np.count_nonzero(record.counts.any(axis=0))),
            }  # fmt: skip
            row["dead"] = population.layer in dead
            row["first_step"] = deployment.first_steps.layers[population.name]
            if use is not None and activity.chip is not None:
                own = f"{population.name}["
                cores = enumerate(activity.chip.cores)
                row.update(_sums(activity.chip, [k for k, c in cores if f"{c}[".startswith(own)]))
            rows.append(row)
        if activity.chip is not None:
            rows += _decoding(activity.chip, {row["layer"] for row in rows})
        return rows

    def content(self, deployment: Deployment) -> dict[str, Any]:
        """Everything but the counts of single neurons."""
        accuracy, scores = None, []
        if (own := _score_if_any(deployment)) is not None:
            keras = deployment.keras_score
            accuracy, scores = own.accuracy, [s.to_dict() for s in (keras, own) if s is not None]
        return {
            **graph_content(deployment.network),
            "target": deployment.target, "protocol": asdict(deployment.activity.protocol),
            "n_samples": deployment.activity.n_samples, "cores": deployment.n_cores,
            "readout": deployment.readout, "options": plain(_options(deployment)),
            "accuracy": accuracy, "scores": scores,
            "predictions": _predictions_if_any(deployment),
            "first_steps_of_outputs": dict(deployment.first_steps.outputs),
            "layers": deployment.layers(),
            "attempts": [attempt.to_dict() for attempt in deployment.attempts],
        }  # fmt: skip

    def size(self, deployment: Deployment) -> tuple[float, float]:
        width, height = bar_size(len(deployment.layers()))
        return 1.4 * width, height

    def draw(self, deployment: Deployment, axes: Any) -> None:
        """Spikes of every layer, and beside them synops, or cores where none were counted."""
        rows = deployment.layers()
        names = [row["layer"] for row in rows]
        right = "synops" if deployment.activity.chip is not None else "cores"
        for own, key in zip(axes, ("spikes", right)):
            label = "Cores" if key == "cores" else f"{key.capitalize()} per sample"
            draw_bars(own, names, {key: [row.get(key, 0) for row in rows]}, "", label)
        axes[1].set_yticklabels([])


def _regression(deployment: Deployment) -> bool:
    own = _score_if_any(deployment)
    return own is not None and own.accuracy is None


def _accuracy(deployment: Deployment) -> str:
    """That of the Keras model, and that of the chip."""
    own = _score_if_any(deployment)
    if own is None:
        return ""
    keras = deployment.keras_score
    words = f"Keras {keras.value()}, " if keras is not None else ""
    at = "last step" if deployment.readout == "last" else "mean over steps"
    n_samples = counted(deployment.activity.n_samples, "sample")
    return f"{words}{WHERE[deployment.target]} {own.value()} ({at}, {n_samples})"


def _on_chip(deployment: Deployment) -> tuple[tuple[str, str], ...]:
    """The lines of the verdict on its cost, where what each core did was counted."""
    if deployment.activity.chip is None:
        cores = counted(deployment.n_cores, "core")
        return (("Loihi", f"{cores}; energy is told by target='emulator' only"),)
    cost = deployment.cost()
    verdict = presenter_of(cost).verdict(cost)
    return () if verdict is None else verdict.lines


def _next_steps(deployment: Deployment) -> Iterable[NextStep]:
    """What to do about accuracy that was lost: tried, or marked as not tried."""
    own = _score_if_any(deployment)
    lost = None if own is None else deployment.points_lost
    model, data = deployment.files
    steps: list[NextStep] = []
    if lost is not None and deployment.attempts:
        network, typed = deployment.network, deployment.typed
        steps = steps_tried(deployment.attempts, typed, lost, network, model)
    yield from steps
    if steps or lost is None or lost <= POINTS:
        return
    scale, steps_now = deployment.options.scale_firing_rates, deployment.activity.protocol.n_steps
    changed = changed_names(deployment.network)
    if changed:
        yield train_step(changed, lost, model, spiking_flags(deployment.typed, neurons=True))
    changes: dict[str, Any] = {"n_steps": 2 * steps_now}
    if isinstance(scale, (int, float)):
        changes["scale_firing_rates"] = 2 * scale
    typed = deployment.typed or f"nengo-spikecost deploy {model} --data {data}"
    yield NextStep(
        f"{lost:.1f} points are lost: show each sample longer, or raise the rates",
        changed_command(typed, changes, FLAGS),
    )


def _protocol(deployment: Deployment) -> str:
    protocol = deployment.activity.protocol
    start = "each started afresh" if protocol.presentation == "fresh" else "without a pause"
    if protocol.presentation == "continuous" and protocol.batch_size > 1:
        start += f" in {protocol.batch_size} lanes"
    samples = counted(deployment.activity.n_samples, "sample")
    return (
        f"{samples} of {counted(protocol.n_steps, 'step')} of {1000 * protocol.dt:g} ms, {start}, "
        f"{WHERE[deployment.target]}: {counted(deployment.n_cores, 'core')}"
    )


def _options(deployment: Deployment) -> dict[str, Any]:
    """Options that are not the defaults; block shapes are among the layers."""
    deciding = deployment.options.deciding()
    given = deployment.options.given().items()
    return {name: value for name, value in given if name in deciding and name != "block_shapes"}


def _reached(deployment: Deployment) -> Iterable[str]:
    """When a spike of the input can first be in the layers of the chip, and at what is read."""
    found, n_steps = deployment.first_steps, deployment.activity.protocol.n_steps
    steps = {name: found.layers[name] for name in found.layers if name in found.on_chip}
    known = {name: step for name, step in steps.items() if step is not None}
    outputs = {name: step for name, step in found.outputs.items() if step is not None}
    name = deployment.output or next(iter(outputs), None)
    if not known or name not in outputs:
        return
    ends = dict.fromkeys([min(known, key=known.__getitem__), max(known, key=known.__getitem__)])
    words = ", ".join(f"layer {layer} in step {known[layer]}" for layer in ends)
    output = "the output" if len(found.outputs) == 1 else f"output {name}"
    left = max(0, n_steps - outputs[name] + 1)
    yield (
        f"A spike of the input can reach {words}, and {output} in step {outputs[name]}: "
        f"{left} of {counted(n_steps, 'step')} are read with it."
    )


def _decoding(chip: Any, named: set[str]) -> Iterable[dict[str, Any]]:
    """Rows of cores that hold no neurons of the network."""
    others: dict[str, list[int]] = {}
    for number, (core, layer) in enumerate(zip(chip.cores, chip.layers)):
        if core.split("[")[0] not in named and layer not in named:
            others.setdefault(layer, []).append(number)
    for layer, numbers in others.items():
        yield {
            "layer": layer, "place": "chip", "neurons": int(chip.compartments[numbers].sum()),
            "cores": len(numbers), "block_shape": None,
            "spikes": float(chip.spikes[:, numbers].sum(axis=1).mean()), "rate_hz": None,
            **_sums(chip, numbers),
        }  # fmt: skip


def _sums(chip: Any, cores: list[int]) -> dict[str, float]:
    return {
        "synops": float(chip.total_synops()[:, cores].sum(axis=1).mean()),
        "messages": float(chip.axon_events[:, cores].sum(axis=1).mean()),
    }


def _scored(deployment: Deployment) -> Iterable[str]:
    """Accuracy, or RMSE and correlation; none without labels of a single output."""
    own = _score_if_any(deployment)
    if own is None:
        return
    at = "the last step" if deployment.readout == "last" else "the mean over steps"
    labels, keras = deployment.read_as, deployment.keras_score
    if labels is not None and labels.kind != "classes":
        yield f"labels are {labels.words}"
    if own.accuracy is not None:
        yield f"accuracy {own.accuracy:.2%} ({own.n_right:,} of {own.n:,}), read at {at}"
        return
    if keras is not None:
        yield keras.line()
    yield own.line()


def _score_if_any(deployment: Deployment) -> Score | None:
    """None where labels that came with the data are no labels of a single output."""
    try:
        return deployment.score
    except (DataError, MeasurementError):
        return None


def _predictions_if_any(deployment: Deployment) -> Any:
    """None where outputs are values or several, or labels are none of theirs."""
    try:
        return deployment.predictions.tolist()
    except (DataError, MeasurementError):
        return None


def _cell(value: Any, text: str) -> str:
    if value is None or (value == 0 and text == "{:,}"):
        return MISSING
    return text.format(" x ".join(map(str, value)) if isinstance(value, list) else value)
