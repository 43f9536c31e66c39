"""A preflight in words: converts, runs, fits, and the next step; then layers and blocks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import nengo

from ...graph.chip_split import ChipSplit
from ...layout import Presenter, presents
from ...layout.charts import Chart
from ...layout.presenter import Part
from ...layout.result import presenter_of
from ...layout.verdict import NextStep, Verdict
from ...nir.shown.of_networks import graph_content
from ...words import counted
from ...workload.row_counts import names_in_note
from ..preflight import Preflight
from .block_view import fits_words


@presents(Preflight)
class PreflightPresenter(Presenter[Preflight]):
    """The verdict, the layers of the conversion, and the blocks of the fit."""

    format = "nengo-spikecost/preflight/1"
    index = "name"

    def title(self, checked: Preflight) -> str:
        return f"{_name(checked)}: does it run on Loihi?"

    def verdict(self, checked: Preflight) -> Verdict:
        return Verdict.of(
            ("converts", _converts(checked)),
            ("on Loihi", _runs(checked)),
            ("fits", _fits(checked)),
            next_steps=_next_steps(checked),
        )

    def charts(self, checked: Preflight) -> Iterable[Chart]:
        return () if checked.fit is None else presenter_of(checked.fit).charts(checked.fit)

    def summary(self, checked: Preflight) -> Iterable[Part]:
        made = _made(checked.network)
        if made is not None:
            yield from presenter_of(made).summary(made)
            yield ""
        for problem in checked.problems:
            yield f"* {problem}"
        for misfit in checked.misfits:
            yield f"* {misfit}"
        if checked.fit is not None:
            yield from presenter_of(checked.fit).summary(checked.fit)

    def records(self, checked: Preflight) -> list[dict[str, Any]]:
        """A row a layer of the fit, or a problem where there is none."""
        if checked.fit is not None:
            return [
                {"name": row["layer"], **{k: v for k, v in row.items() if k != "layer"}}
                for row in presenter_of(checked.fit).records(checked.fit)
            ]
        return [
            {"name": p.name, "reason": p.reason, "remedy": p.remedy, "refused": p.refused}
            for p in checked.problems
        ] or [{"name": _name(checked), "reason": reason} for reason in checked.misfits]

    def content(self, checked: Preflight) -> dict[str, Any]:
        fit, network = checked.fit, checked.network
        plain = isinstance(network, nengo.Network)
        return {
            "runs": checked.runs,
            "problems": [
                {"name": p.name, "reason": p.reason, "remedy": p.remedy, "refused": p.refused}
                for p in checked.problems
            ],
            "misfits": list(checked.misfits),
            "conversion": None if plain else presenter_of(network).content(network),
            **graph_content(network),
            "fit": None if fit is None else presenter_of(fit).content(fit),
        }  # fmt: skip

    def draw(self, checked: Preflight, axes: Any) -> None:
        shown = checked.network if checked.fit is None else checked.fit
        presenter_of(shown).draw(shown, axes)


def _made(network: Any) -> Any:
    """How the network came about: its conversion, or the reading of its graph; None of others."""
    return getattr(network, "reading", None if isinstance(network, nengo.Network) else network)


def _name(checked: Preflight) -> str:
    network = checked.network
    if isinstance(network, nengo.Network):
        return network.label or "Network"
    return str(getattr(getattr(network, "model", None), "name", "Network"))


def _converts(checked: Preflight) -> str:
    network = checked.network
    if isinstance(network, nengo.Network):
        return ""
    neurons = counted(network.net.n_neurons, "neuron")
    words = f"yes: {counted(len(network.layer_infos), 'layer')}, {neurons}"
    changed = [f"{c.layer} becomes {c.choice}" for c in network.choices if not c.exact]
    return f"{words}; not the same function: {', '.join(changed)}" if changed else words


def _runs(checked: Preflight) -> str:
    if checked.refused:
        names = names_in_note(list(dict.fromkeys(p.name for p in checked.refused)))
        return f"no: NengoLoihi refuses {names} (reasons below)"
    net = getattr(checked.network, "net", checked.network)
    split, layer_names = ChipSplit(net), getattr(checked.network, "layer_names", {})
    places: dict[bool, list[str]] = {True: [], False: []}
    for ensemble in net.all_ensembles:
        name = str(layer_names.get(ensemble, ensemble.label or "a population"))
        places[split.on_chip(ensemble)].append(name)
    words = [
        f"{names_in_note(list(dict.fromkeys(names)))} {where}"
        for names, where in ((places[True], "on the chip"), (places[False], "on the host"))
        if names
    ]
    text = "; ".join(words)
    if not places[True]:
        return f"nothing: {text}"
    if checked.problems:
        text += f"; {counted(len(checked.problems), 'thing')} as the chip does it, not as written"
    return text


def _fits(checked: Preflight) -> str:
    if checked.fit is not None:
        return fits_words(checked.fit)
    return "no, in any block shapes: reasons below" if checked.misfits else ""


def _next_steps(checked: Preflight) -> Iterable[NextStep]:
    model, data = checked.files
    given = f"{model} --data {data}"
    if checked.refused:
        yield NextStep(checked.refused[0].remedy)
    elif checked.misfits:  # fit_blocks has tried all shapes, on as many chips as it takes
        yield NextStep(
            f"All block shapes were tried, and none fits: {checked.misfits[0]}", tried=True
        )
    elif checked.runs:
        yield NextStep(
            "Run it on the emulated chip with your data",
            f"nengo-spikecost deploy {given} --cost --html deploy.html",
        )
        yield NextStep(
            "See what it costs, and whether it is worth it",
            f"nengo-spikecost report {given} --chip --html report.html",
        )
