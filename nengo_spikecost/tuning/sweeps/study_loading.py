"""From a study file to a `Sweep`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...errors import TuningError
from .chip_blocks import ChipBlocks
from .space import Space
from .study import Study
from .sweep_result import Sweep


def load(path: str | os.PathLike[str]) -> Sweep:
    """The sweep in a study file; see `Sweep.load`."""
    with Study(path, readonly=True) as study:
        facts = study.facts()
        if "space" not in facts:
            raise TuningError(
                f"{os.fspath(path)} holds no trials: its sweep ended before the first."
            )
        return sweep_of(study, {})


def sweep_of(study: Study, more: Mapping[str, Any]) -> Sweep:
    """All that a study holds, with what it can't hold."""
    facts, arrays = study.facts(), study.arrays()
    about = facts["about"]
    return Sweep(
        trials=tuple(study.trials()),
        space=space_of(facts["space"]),
        reference=arrays["reference"],
        device=about["device"],
        cost_model=about["cost_model"],
        simulator=about.get("simulator", "nengo_dl"),
        blocks=ChipBlocks.of_dict(facts["blocks"]) if "blocks" in facts else None,
        neuron_type=about["neuron_type"],
        dt=about["dt"],
        confidence=about["confidence"],
        study=study.path,
        **more,
    )


def space_facts(space: Space) -> dict[str, Any]:
    """A space as JSON holds it."""
    return {
        "rule": dict(space.rule),
        "synapses": list(space.synapses),
        "n_steps": list(space.n_steps),
        "losses": list(space.losses),
    }


def space_of(facts: Mapping[str, Any]) -> Space:
    """A space from what `space_facts` gave."""
    return Space(
        rule=facts["rule"],
        synapses=tuple(facts["synapses"]),
        n_steps=tuple(facts["n_steps"]),
        losses=tuple(facts["losses"]),
    )
