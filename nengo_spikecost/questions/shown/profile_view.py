"""A profile: protocol, accuracy, the table of all layers, and the verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import nengo

from ... import stack
from ...activity.shown.activity_view import protocol_sentence
from ...energy.loihi_chip import Range
from ...energy.loihi_chip.shown.chip_tables import limit_table
from ...energy.loihi_chip.shown.chip_view import floorlines
from ...energy.shown.layer_rows import LayerRow
from ...errors import EnergyError
from ...layout import Presenter, presents
from ...layout.charts import Chart
from ...layout.presenter import Details, Part, presenters
from ...layout.result import identifier
from ...layout.verdict import Verdict
from ...nir.shown.of_networks import graph_content, graph_sentences
from ...workload.row_counts import layer_counts, names_in_note
from ..network_energy import NetworkEnergy
from ..profile_record import SAME_TECHNOLOGY, Profile
from .profile_charts import profile_charts
from .profile_verdict import profile_verdict
from .worth import LOIHI

#: Columns of a profile's table, before the energy on each device.
COLUMNS = ("name", "neurons", "rate", "spikes", "synops")

#: Boundaries of an emulated chip beyond its cores, with the rows that they have.
BOUNDARIES = {"chip": "Chip (emulated)", "board": "Board (emulated)"}


@presents(Profile)
class ProfilePresenter(Presenter[Profile]):
    """Protocol, accuracy and verdicts around the table of `NetworkEnergy`."""

    format = "nengo-spikecost/profile/1"
    index = "layer"

    def title(self, profile: Profile) -> str:
        return f"{_name(profile)} on spiking hardware"

    def about(self, profile: Profile) -> str:
        return protocol_sentence(profile.activity.protocol, profile.activity.n_samples)

    def verdict(self, profile: Profile) -> Verdict:
        return profile_verdict(profile)

    def charts(self, profile: Profile) -> Iterable[Chart]:
        return profile_charts(profile)

    def summary(
        self, profile: Profile, print_warnings: bool = True, ensembles: bool = False
    ) -> Iterable[Part]:  # fmt: skip
        yield from _heading(profile)
        yield ""
        yield from _of_energy(profile).summary(
            profile.energy, columns=_columns(profile), print_warnings=print_warnings,
            ensembles=ensembles, further=_boundary_rows(profile),
        )  # fmt: skip
        more = [name for name in profile.devices if name not in profile.in_table]
        if more:
            yield (
                f"* Priced too, in data frames and files: {names_in_note(more)}. devices= "
                "(--devices) puts them into this table."
            )
        if profile.chip_cost is not None:
            yield ""
            yield limit_table(profile.chip_cost)
        if print_warnings:
            yield from _verdicts(profile)

    def details(self, profile: Profile) -> Iterable[Details]:
        return _of_energy(profile).details(profile.energy, columns=_columns(profile))

    def records(self, profile: Profile) -> list[dict[str, Any]]:
        return list(_of_energy(profile).records(profile.energy, devices=profile.devices))

    def content(self, profile: Profile) -> dict[str, Any]:
        cost = profile.chip_cost
        return {
            **_of_energy(profile).content(profile.energy, devices=profile.devices),
            "protocol": asdict(profile.activity.protocol),
            "conversion": _conversion(profile),
            **graph_content(profile.network),
            "break_even": {
                identifier(name): {"error": str(result)}
                if isinstance(result, EnergyError)
                else result.to_dict()
                for name, result in profile.opponents.items()
            },
            "accuracy": {identifier(name): share for name, share in profile.accuracy.items()},
            "scores": [score.to_dict() for score in profile.scores],
            "labels": {name: own.words for name, own in profile.labels.items()},
            "attempts": [attempt.to_dict() for attempt in profile.attempts],
            **({} if cost is None else {"floorline": floorlines(cost)}),
            "stack": stack.report().as_dict(),
        }

    def size(self, profile: Profile) -> tuple[float, float]:
        return _of_energy(profile).size(profile.energy)

    def draw(self, profile: Profile, axes: Any) -> None:
        _of_energy(profile).draw(profile.energy, axes)


def _of_energy(profile: Profile) -> Presenter[NetworkEnergy]:
    presenter = presenters.find(profile.energy)
    assert presenter is not None
    return presenter


def _name(profile: Profile) -> str:
    network = profile.network
    if isinstance(network, nengo.Network):
        return network.label or "Network"
    return str(network.model.name)


def _columns(profile: Profile) -> list[str]:
    return [*COLUMNS, *(f"energy {name}" for name in profile.in_table)]


def _boundary_rows(profile: Profile) -> list[LayerRow]:
    """Energy within the boundaries of an emulated chip, where Loihi has a column."""
    loihi = next((name for name in profile.in_table if name.lower() == LOIHI), None)
    if profile.chip_cost is None or loihi is None:
        return []
    cost, ran_s = profile.chip_cost, profile.energy.workload().per.seconds
    rows = []
    for name, title in BOUNDARIES.items():
        if ran_s is None:
            energy = cost.energy_J(name)
        else:  # a chip that waits for its next step draws static power
            energy = Range(*(power * ran_s for power in cost.running_W(name)))
        if energy.high:
            known = energy.nominal if energy.predicted else energy.low
            longer = cost.is_at_least(name) and ran_s is None
            at_least = () if energy.predicted and not longer else (loihi,)
            rows.append(LayerRow(title, energy_J={loihi: known}, uncounted_on=at_least))
    return rows


def _verdicts(profile: Profile) -> Iterable[str]:
    """The outcome of `break_even` on each spiking device."""
    if not profile.opponents:
        return
    hidden = set(profile.devices) - set(profile.in_table) - {SAME_TECHNOLOGY}
    yield ""
    yield "Against the same network without spikes, in matched widths, in 45 nm (break_even)."
    yield "What memory takes is in the last line only."
    shown = {n: r for n, r in profile.opponents.items() if n not in hidden}
    for name, result in shown.items():
        yield f"* {name}: {result if isinstance(result, EnergyError) else result.verdict}"


def _conversion(profile: Profile) -> dict[str, Any] | None:
    network = profile.network
    if isinstance(network, nengo.Network):
        return None
    return {
        "model": network.model.name,
        "neuron_type": str(network.neuron_type),
        "scale_firing_rates": dict(network.scale_firing_rates),
        "synapse": None if network.synapse is None else str(network.synapse),
        "lowered": network.lowering is not None,
        "choices": [asdict(choice) for choice in network.choices],
    }


def _heading(profile: Profile) -> Iterable[str]:
    n = profile.activity.n_samples
    yield protocol_sentence(profile.activity.protocol, n)
    network = profile.network
    choices = () if isinstance(network, nengo.Network) else network.choices
    yield from (f"layer {choice.layer}: {choice.choice}" for choice in choices)
    yield from graph_sentences(network)
    for name, labels in profile.labels.items():
        if labels.kind != "classes":
            yield f"labels of {name} are {labels.words}"
    yield from (score.line() for score in profile.scores)
    dead = [row.name for row in layer_counts(profile.energy.workload()) if row.dead]
    if dead and profile.scores:
        yield f"The spiking network has dead layers: {names_in_note(dead)}"
