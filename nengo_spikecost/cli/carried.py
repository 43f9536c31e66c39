"""``--scales`` and ``--fit``: what one command found, carried on to the next.

The files are those of ``--json``. They are read, and held against the layers that the model's file
names, before TensorFlow starts.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Callable

import click
from click.core import ParameterSource

from ..errors import DataError
from ..files import check_is_file
from ..schemas import check_readable
from ..spiking.defaults import IN_FRONT, OTHERS

#: What the files of each command say that they are, without the version.
RATES, SWEEP, TRAINING, FIT = (
    f"nengo-spikecost/{kind}/" for kind in ("firing-rates", "sweep", "fine-tuning", "block-fit")
)

#: Options that all settings of a sweep have in common, and their keys in its file.
_OF_ALL = {"readout": "readout", "dt": "dt_s"}


def scales_option(command: Callable) -> Callable:
    """Option: scales that `tune`, `sweep` or `train` found."""
    return click.option(
        "--scales", "scales_file", type=click.Path(), metavar="JSON",
        help="Scales of all layers, from the --json file of tune, train or sweep (its best "
        "setting, with steps, dt, filter, readout and neurons); --scale LAYER=HZ changes one of "
        "them.",
    )(command)  # fmt: skip


def fit_option(command: Callable) -> Callable:
    """Option: block shapes that `fit` found."""
    return click.option(
        "--fit", "fit_file", type=click.Path(), metavar="JSON",
        help="Block shapes from the --json file of fit, instead of a search.",
    )(command)  # fmt: skip


def carry_on(options: dict[str, Any], layers: Iterable[str]) -> dict[str, Any]:
    """The options of a command, with what its files say in place of defaults.

    Parameters
    ----------
    options : dict
        Of the command; ``scales_file`` and ``fit_file`` are taken out.
    layers : iterable of str
        Names of the model's layers; empty if they are not known yet.

    Raises
    ------
    DataError
        If a file is none of those that carry this on, or one of another model.
    """
    carried, known = dict(options), tuple(layers)
    scales, fit = carried.pop("scales_file", None), carried.pop("fit_file", None)
    given = carried.get("scale_firing_rates")

    def of_model(names: Iterable[str]) -> list[str]:
        in_front = bool(carried.get("spike_input"))
        own = [name for name in names if not (in_front and name.startswith(IN_FRONT))]
        return [name for name in own if name != OTHERS]

    if scales is not None:
        setting = read_setting(scales)
        check_layers(scales, of_model(setting.scales), known)
        own = was_typed("scale_firing_rates")
        if own and not isinstance(given, Mapping):
            raise DataError(
                f"--scale {given:g} and --scales {scales} are both for all layers: leave one out, "
                "or give --scale LAYER=HZ for single layers."
            )
        typed = given if own and isinstance(given, Mapping) else {}
        single = {name: hz for name, hz in typed.items() if name != OTHERS}
        carried["scale_firing_rates"] = {**setting.scales, **single}
        for name, value in setting.others.items():
            if name in carried and not was_typed(name):
                carried[name] = value
    if isinstance(given, Mapping):
        check_layers("--scale", of_model(given), known)
    check_layers("--off-chip", carried.get("off_chip") or (), known)
    if fit is not None:
        carried["block_shapes"] = read_shapes(fit)
        check_layers(fit, carried["block_shapes"], known)
    return carried


def was_typed(name: str) -> bool:
    """Whether an option was typed; defaults give way to what is carried on."""
    source = click.get_current_context().get_parameter_source(name)
    return source not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP, None)


def check_layers(source: str, named: Iterable[str], layers: tuple[str, ...]) -> None:
    """Raise `DataError` for layers that the model does not have."""
    # behind neurons for its inputs a model is a part of another: MODEL/LAYER
    inner = [(name, name.rpartition("/")[2]) for name in named]
    others = [
        name for name, own in inner if not {name, own, own.split(".")[0]}.intersection(layers)
    ]
    if layers and others:
        kind = "names" if source.startswith("--") else "is of another model: it names"
        raise DataError(
            f"{source} {kind} layer {others[0]!r}, and the layers of this model are "
            f"{', '.join(layers)}."
        )


@dataclass(frozen=True)
class CarriedSetting:
    """Scales from a file, and what else its setting decided.

    Attributes
    ----------
    scales : dict from str to float
        By layer.
    others : dict
        ``n_steps``, ``synapse``, ``neuron_type``, ``readout`` and ``dt`` of a sweep's setting.
    """

    scales: dict[str, float]
    others: dict[str, Any]


def read_setting(path: str) -> CarriedSetting:
    """The scales in a file of `tune`, `train` or `sweep`.

    Raises
    ------
    DataError
        If it is no such file, or a sweep without a setting within its losses.
    """
    content = _read(path, (RATES, SWEEP, TRAINING), "tune, train or sweep")
    with _as_expected(path):
        if not content["format"].startswith(SWEEP):
            return CarriedSetting(_numbers(content["scale_firing_rates"]), {})
        losses = content["accuracy_losses"]
        points = [p for p in content["front"] if p["loss"] <= min(losses) + 1e-12]
        if not points:
            raise DataError(
                f"{path}: no setting of this sweep is within its smallest loss, {min(losses):g}: "
                "search on with more --trials, or allow a larger loss (--losses)."
            )
        best = min(points, key=lambda point: point["energy_J"])
        neurons = content["neuron_type"]
        others = {"n_steps": int(best["n_steps"]), "synapse": best["synapse"]}
        others.update({n: content[key] for n, key in _OF_ALL.items() if key in content})
        if neurons.endswith("()"):  # with other parameters than usual it has no name
            others["neuron_type"] = neurons[:-2]
        return CarriedSetting(_numbers(best["scale_firing_rates"]), others)


def read_shapes(path: str) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Block shapes in a file of `fit`: by layer, the shape of all its neurons and of a block.

    Raises
    ------
    DataError
        If it is no such file.
    """
    content = _read(path, (FIT,), "fit")
    with _as_expected(path):
        if content["code"] is None:
            raise DataError(
                f"{path} is for images with their channels in another order, which shapes alone do "
                "not say: fit the model without a change of order."
            )
        rows = [(row["layer"], row["shape"], row["block_shape"]) for row in content["layers"]]
        return {name: (tuple(map(int, a)), tuple(map(int, b))) for name, a, b in rows}


def with_tilings(options: dict[str, Any]) -> dict[str, Any]:
    """The options with the block shapes of `read_shapes` as `deploy` takes them.

    Raises
    ------
    LoihiError
        Later, where a layer has other neurons than the one that was fitted.
    """
    if "block_shapes" not in options:
        return options
    from ..loihi.cores.tiling import Tiling

    shapes = {name: Tiling(*pair) for name, pair in options["block_shapes"].items()}
    return {**options, "block_shapes": shapes}


@contextlib.contextmanager
def _as_expected(path: str) -> Iterator[None]:
    """What is missing in a file, or of another kind, as a `DataError` about the file."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(
            f"{path} is not as it was written ({type(error).__name__}: {error}): write it anew "
            "with --json."
        ) from None


def _numbers(scales: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(scale) for name, scale in scales.items()}


class _NoNumber(ValueError):
    """NaN or Infinity, which Python reads, and JSON does not have."""


def _no_number(constant: str) -> float:
    raise _NoNumber(constant)


def _read(path: str, kinds: tuple[str, ...], commands: str) -> dict[str, Any]:
    """The content of a JSON file of one of these kinds."""
    expected = f"expected a file that --json of {commands} wrote"
    if not os.path.exists(path):
        raise DataError(f"There is no file {path}; {expected}.")
    check_is_file(path, "JSON file")
    try:
        with open(path, encoding="utf-8") as stream:
            content = json.load(stream, parse_constant=_no_number)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from None
    except _NoNumber as error:
        raise DataError(f"{path} holds {error}, which is no number; {expected}.") from None
    except (ValueError, RecursionError):
        raise DataError(f"{path} is no JSON file; {expected}.") from None
    is_ours = isinstance(content, dict) and isinstance(content.get("format"), str)
    if not is_ours or not content["format"].startswith(kinds):
        says = f" (its format is {content['format']})" if is_ours else ""
        raise DataError(f"{path} is something else{says}; {expected}.")
    check_readable(path, content["format"])
    return content
