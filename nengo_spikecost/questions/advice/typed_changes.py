"""Changes as one types them: a line of Python, and a command."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ...energy.loihi_chip import ChipOptions
from ...options import flag_of, is_plain
from ...trying.retyping import WRITTEN, typed_flags
from .advise_options import AdviseOptions
from .advised_network import Subject
from .recipe import Recipe

#: Of `deploy` alone: what is counted and tried, which the figures do not depend on.
NOT_TYPED = ("by_step", "try_out", "memory", "checkpoint")

#: Flags of ``advise`` that ``deploy`` has not, or that name files, beside those of its options.
DROPPED = (*WRITTEN, "--checkpoint")

#: Of ``--units LAYER=NUMBERS`` what stands behind the flag: it shares a line with no other.
LONGEST = 50

#: Flags without a value that may be typed, and those of them that ``deploy`` has, too.
KEPT = ("--spike-input", "--by-step")
WITHOUT_VALUE = (*KEPT, "-q", "--quiet", "--combine", "--no-combine")


def python_line(subject: Subject, recipe: Recipe) -> str:
    """The call that does it.

    It is for ``model``, ``conversion`` or ``network``, ``x`` and ``y`` as they were given to
    `advise`; so are arguments that are neither numbers nor texts.
    """
    running = {k: v for k, v in subject.options.running().items() if k not in NOT_TYPED}
    if recipe.changes_layers or recipe.objective:
        running.pop("block_shapes", None)
    if subject.options.save == "time":
        running["by_step"] = True  # or the slowest core of each step would not be known
    arguments = {**running, **subject.convert_options, **recipe.running()}
    if subject.conversion is None:
        altering = recipe.altering()
        made = f"nsc.changed_network(network, {_written(altering)})" if altering else "network"
    elif subject.was_converted:
        arguments.update(recipe.converting(subject))
        made = _pruned("model", recipe)
    else:
        changes = [_written(recipe.converting(subject))] if recipe.converting(subject) else []
        if recipe.without:
            changes.append(f"model={_pruned('conversion.model', recipe)}")
        made = f"conversion.remade({', '.join(changes)})" if changes else "conversion"
    labels = "" if subject.y is None else ", y"
    x = "x"
    if recipe.n_steps is not None and any(subject.timed):
        cut = f"[:, :{recipe.n_steps}]"
        x = f"x{cut}"
        if isinstance(subject.x, Mapping):
            x = f"{{name: values{cut} for name, values in x.items()}}"
    given = "None" if subject.x is None else f"{x}{labels}"
    return f"nsc.loihi.deploy({made}, {given}, {_written(arguments)})"


def _pruned(model: str, recipe: Recipe) -> str:
    """A model without the units that a recipe takes out, in Python."""
    units = {layer: list(units) for layer, units in recipe.without.items()}
    return f"nsc.prune({model}, {units})" if units else model


def flags_of(subject: Subject, recipe: Recipe) -> tuple[str, ...] | None:
    """Flags of ``deploy`` that do it, but for units that are taken out; None: there are none."""
    cuts_samples = recipe.n_steps is not None and any(subject.timed)
    if cuts_samples or (subject.conversion is None and recipe.changes_network):
        return None
    words: list[str] = []
    if recipe.n_steps is not None:
        words += ["--steps", str(recipe.n_steps)]
    if recipe.objective:
        words += ["--objective", recipe.objective]
    for layer, factor in recipe.rates.items():
        words += ["--scale", f"{layer}={subject.scales[layer] * factor:.12g}"]
    for layer in recipe.converting(subject).get("off_chip", ()):
        words += ["--off-chip", layer]
    words += ["--spike-input"] if recipe.spike_input else []
    return (*words, *(["--by-step"] if subject.options.save == "time" else []))


def command(
    typed: str, files: tuple[str, str], flags: Iterable[str], without: Mapping[str, Iterable[int]]
) -> str:
    """The command that runs the changed network, and prices it, from that which was advised.

    Parameters
    ----------
    typed : str
        The command that gave the advice.
    files : tuple of (str, str)
        Names of model and data in it, as a shell takes them.
    flags : iterable of str
        As `flags_of` gives them.
    without : mapping from str to iterable of int
        Units that are taken out, by layer: a command of its own does that.
    """
    given, flags = shlex.split(typed), list(flags)
    layers = {word.split("=")[0] for word in _after("--scale", flags)}
    gone = {*_flags_of_advice(), *DROPPED, *(flag for flag in flags if flag.startswith("--"))}
    if without or {"--objective", "--off-chip", "--spike-input"} & set(flags):
        gone.add("--fit")  # block shapes of the layers as they were
    known = {**dict.fromkeys((*gone, "--scale"), True), **dict.fromkeys(WITHOUT_VALUE, False)}
    words = ["nengo-spikecost", "deploy"]
    for flag, value, piece in typed_flags(given[2:], known):
        if flag == "--scale":
            stays = value.rpartition("=")[0] not in layers
        else:
            stays = flag not in known or (flag in KEPT and flag not in flags)
        words += piece if stays else []
    if not any(word.startswith("--presentation") for word in words):
        words += ["--presentation", "fresh"]
    line = shlex.join([*words, *flags, "--cost"])
    if not without:
        return line
    model = shlex.split(files[0])[0]
    smaller = f"{os.path.splitext(model)[0]}_pruned.keras"
    taken = [
        f"--units {shlex.quote(f'{name}={part}')}"
        for name, units in without.items()
        for part in _short(ranges(units), LONGEST - len(name))
    ]
    first = f"nengo-spikecost prune {files[0]} {' '.join(taken)} --out {shlex.quote(smaller)}"
    return f"{first} && {line.replace(files[0], shlex.quote(smaller), 1)}"


def _short(numbers: str, longest: int) -> list[str]:
    """Numbers in parts that are no longer than that, where they can be cut."""
    parts = [""]
    for piece in numbers.split(","):
        if parts[-1] and len(parts[-1]) + 1 + len(piece) > longest:
            parts.append("")
        parts[-1] += f",{piece}" if parts[-1] else piece
    return parts


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers as one types them: ``"0,3,5-9"``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in parts)


def _flags_of_advice() -> set[str]:
    """Flags that only ``advise`` has."""
    from ...loihi.deploy_options import DeployOptions

    # ``deploy --cost`` prices by the others
    shared = {*DeployOptions.__dataclass_fields__, *ChipOptions.__dataclass_fields__}
    fields = AdviseOptions.__dataclass_fields__
    return {flag_of(f) for name, f in fields.items() if name not in shared}


def _after(flag: str, words: list[str]) -> list[str]:
    return [words[i + 1] for i, word in enumerate(words) if word == flag]


def _written(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value(name, value)}" for name, value in arguments.items())


def _value(name: str, value: Any) -> str:
    """A value in Python, or the name of one that is neither number nor text nor made of such."""
    return repr(dict(value) if isinstance(value, Mapping) else value) if is_plain(value) else name
