"""Use of cores by blocks: a `BlockFit` and a `NetworkUse` as text, rows and bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from ...layout import Presenter, Table, presents
from ...layout.charts import Chart, Drawing
from ...layout.plots import bar_size, draw_groups
from ...layout.verdict import NextStep, Verdict
from ...trying.retyping import spiking_flags
from ...words import counted
from ..blocks.block_fit import BlockFit
from ..cores.network_use import LayerUse, NetworkUse
from .core_map import core_map

#: Characters of a bar of utilisation.
BAR = 10

#: Groups of layers that a table shows: of more, the fullest.
SHOWN = 10

Group = tuple[LayerUse, ...]


@presents(NetworkUse)
class NetworkUsePresenter(Presenter[NetworkUse]):
    """A line for each layer, and a row for each block."""

    format = "nengo-spikecost/core-use/1"
    index = ("layer", "block")

    def title(self, use: NetworkUse) -> str:
        return "Cores in use"

    def charts(self, use: NetworkUse) -> Iterable[Chart]:
        yield core_map(use)
        yield Drawing("The fullest core of each layer", partial(self.draw, use), self.size(use))

    def summary(self, use: NetworkUse) -> Iterable[str]:
        yield counted(use.n_cores, "core")
        for layer in use.layers:
            yield f"* {layer.name}: {layer.n_blocks} x {layer.tiling.tile}, {layer.largest}"
        yield from (f"* {sentence}" for sentence in decoder_words(use))

    def records(self, use: NetworkUse) -> list[dict[str, Any]]:
        blocks = [(own.name, k, b) for own in use.layers for k, b in enumerate(own.blocks)]
        return [{"layer": name, "block": k, **_used(block)} for name, k, block in blocks]

    def content(self, use: NetworkUse) -> dict[str, Any]:
        layers = [{**_shape(layer), "fits": layer.fits, **_fullest(layer)} for layer in use.layers]
        return {"cores": use.n_cores, "fits": use.fits, "layers": layers}

    def size(self, use: NetworkUse) -> tuple[float, float]:
        return bar_size(3 * len(use.layers))

    def draw(self, use: NetworkUse, axes: Any) -> None:
        _draw_shares(axes, use.layers)


@presents(BlockFit)
class BlockFitPresenter(Presenter[BlockFit]):
    """Blocks of each layer, and the use of the fullest one."""

    format = "nengo-spikecost/block-fit/1"
    index = "layer"

    def title(self, fit: BlockFit) -> str:
        return "Block shapes for Loihi"

    def verdict(self, fit: BlockFit) -> Verdict:
        busiest = f"{fit.busiest_ns / 1000:.1f} us a step on the busiest core (modelled)"
        return Verdict.of(
            ("fits", fits_words(fit)), ("Loihi", busiest), next_steps=_next_steps(fit)
        )

    def charts(self, fit: BlockFit) -> Iterable[Chart]:
        yield core_map(fit.use)
        yield Drawing("The fullest core of each layer", partial(self.draw, fit), self.size(fit))

    def summary(self, fit: BlockFit) -> Iterable[str | Table]:
        groups = _alike([layer.use for layer in fit.layers])
        fullest = sorted(groups, key=lambda group: -_fullness(group[0]))[:SHOWN]
        rows = []
        for group in (own for own in groups if own in fullest):
            use, more = group[0], len(group) - 1
            blocks = f"{use.n_blocks} x ({' x '.join(map(str, use.tiling.tile))})"
            name = [use.name + (f" and {more:,} alike" if more else ""), blocks]
            for resource, used, limit in use.largest.limits:
                rows.append([*name, resource, _bar(used / limit), f"{used:,}"])
                name = ["", ""]
        known = "measured spikes"
        rates = known if fit.rates_known else "at 100 Hz everywhere, as no spikes were given"
        note = (
            f"Busiest core {fit.busiest_ns / 1000:.1f} us a step (modelled), "
            f"{fit.host_messages:,.0f} messages a step from the host and "
            f"{fit.chip_messages:,.0f} between cores ({rates})."
        )
        headers = ("layer", "blocks", "resource", "fullest core", "used")
        notes = (*_left_out(groups, fullest), *decoder_words(fit.use), note)
        yield Table.of(headers, rows, 4, notes=notes)

    def records(self, fit: BlockFit) -> list[dict[str, Any]]:
        rows = [(layer.use, layer.load_ns) for layer in fit.layers]
        return [{**_shape(u), "step_ns": ns, **_used(u.largest)} for u, ns in rows]

    def content(self, fit: BlockFit) -> dict[str, Any]:
        """Everything; of each layer the use of its fullest core."""
        layers: list[dict[str, Any]] = []
        for layer in fit.layers:
            own = {"shape": list(layer.use.tiling.full), "step_ns": layer.load_ns}
            layers.append({**_shape(layer.use), **own, **_fullest(layer.use)})
        return {
            "objective": fit.objective, "cores": fit.n_cores, "chips": fit.n_chips,
            "lower_bound": fit.lower_bound, "is_optimal": fit.is_optimal, "ended": fit.ended,
            "busiest_core_ns": fit.busiest_ns,
            "messages_per_step": {"from_host": fit.host_messages, "on_chips": fit.chip_messages},
            "rates_known": fit.rates_known, "layers": layers,
            "code": None if fit.reordered else fit.code(),
        }  # fmt: skip

    def size(self, fit: BlockFit) -> tuple[float, float]:
        return bar_size(3 * len(fit.layers))

    def draw(self, fit: BlockFit, axes: Any) -> None:
        _draw_shares(axes, fit.use.layers)


def fits_words(fit: BlockFit) -> str:
    """``"yes: 11 cores on 1 chip (fewer are impossible)"``."""
    proof = "fewer are impossible" if fit.is_optimal else f"at least {fit.lower_bound:,}"
    return f"yes: {counted(fit.n_cores, 'core')} on {counted(fit.n_chips, 'chip')} ({proof})"


def _next_steps(fit: BlockFit) -> Iterable[NextStep]:
    model, data = fit.files
    if fit.ended != "complete" and not fit.is_optimal:
        why = "was interrupted" if fit.ended == "interrupt" else "had no more time"
        yield NextStep(
            f"The search {why}: with more (time_limit=, --time-limit) it may find better"
        )
    if fit.reordered:
        return  # which neither a file nor a call carries on
    if hasattr(fit.given, "model"):
        command = f"nengo-spikecost deploy {model} --data {data} --fit {fit.json_file} --cost"
        yield NextStep(
            "Run it on the emulated chip with these shapes, from the --json file of fit",
            f"{command} {spiking_flags(fit.typed, neurons=True)}".rstrip(),
        )
    else:
        yield NextStep("Run it on the emulated chip: nengo_spikecost.loihi.deploy(fit, data)")


def _alike(layers: Sequence[LayerUse]) -> list[Group]:
    """Layers that are cut alike and use as much, such as the ensembles of an EnsembleArray."""
    groups: dict[Any, list[LayerUse]] = {}
    for layer in layers:
        key = layer.ensemble is None, layer.n_blocks, layer.tiling.tile, layer.largest
        groups.setdefault(key, []).append(layer)
    return [tuple(group) for group in groups.values()]


def _fullness(layer: LayerUse) -> float:
    return max(used / limit for _, used, limit in layer.largest.limits)


def _left_out(groups: Sequence[Group], shown: Sequence[Group]) -> Iterable[str]:
    """A sentence on the groups that a table does not show."""
    rest = [group for group in groups if group not in shown]
    if rest:
        n_cores = sum(layer.n_blocks for group in rest for layer in group)
        fullest = max(_fullness(group[0]) for group in rest)
        yield (
            f"The {len(shown)} fullest of {len(groups):,} groups of layers; the others have "
            f"{counted(n_cores, 'core')}, at most {fullest:.0%} full."
        )


def decoder_words(use: NetworkUse) -> Iterable[str]:
    """A sentence on the cores with neurons that NengoLoihi adds, if there are any."""
    n_cores = sum(layer.n_blocks for layer in use.layers if layer.ensemble is None)
    if n_cores:
        yield (
            f"{n_cores:,} of {counted(use.n_cores, 'core')} hold decoders: neurons that NengoLoihi "
            "adds to pass decoded values on."
        )


def _bar(share: float) -> str:
    full = round(BAR * share)
    return "█" * full + "·" * (BAR - full) + f" {share:>4.0%}"


def _shape(use: LayerUse) -> dict[str, Any]:
    return {"layer": use.name, "cores": use.n_blocks, "block_shape": list(use.tiling.tile)}


def _used(block: Any) -> dict[str, int]:
    return {name.replace(" ", "_"): int(used) for name, used, _ in block.limits}


def _fullest(use: LayerUse) -> dict[str, dict[str, int]]:
    limits = {key.replace(" ", "_"): limit for key, _, limit in use.largest.limits}
    used = _used(use.largest)
    return {key: {"used": used[key], "limit": limit} for key, limit in limits.items()}


def _draw_shares(axes: Any, layers: Sequence[LayerUse]) -> None:
    """Bars of the share of each resource that is used on the fullest core of each layer."""
    shares: dict[str, list[float]] = {}
    for layer in layers:
        for resource, used, limit in layer.largest.limits:
            shares.setdefault(resource, []).append(used / limit)
    draw_groups(axes, [layer.name for layer in layers], shares, "%", "Used of the fullest core")
    axes.axvline(1.0, color="black", lw=0.8, ls="--")
