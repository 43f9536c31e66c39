"""Commands that are typed again with other options."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..options import flag_of
from ..spiking.defaults import CHIP_NEURONS

#: Flags that name files which a command writes: nobody wants them written over.
WRITTEN = ("--html", "--json", "--csv", "--plot")

#: Options that change no number of a suggestion: what is printed, and how many side by side.
NEITHER = ("devices", "batch_size")

#: Options that are pairs, each typed with its flag.
REPEATED = {"scale_firing_rates": "--scale", "swap_activations": "--swap"}

#: What is typed for None, of options that are something else by default.
NONE = {"synapse": "--synapse 0", "n_steps": "", "host": "--host none"}


def changed_command(typed: str, changes: Mapping[str, Any], flags: Mapping[str, str]) -> str:
    """A command with some options changed, and without the files that it writes.

    Parameters
    ----------
    typed : str
        The command as it was typed, or could have been; empty: none stands for it.
    changes : mapping from str to object
        New values by name of the option; True for a flag without a value.
    flags : mapping from str to str
        The flag of each option.
    """
    dropped = {flags[name]: value is not True for name, value in changes.items()}
    dropped.update((flag, True) for flag in WRITTEN)
    dropped.update({"-q": False, "--quiet": False})
    if "scale_firing_rates" in changes:  # scales of a file are for all layers, too
        dropped["--scales"] = True
    words = shlex.split(typed)
    if not words:
        return ""
    kept = [
        w for flag, _, piece in typed_flags(words, dropped) if flag not in dropped for w in piece
    ]
    for name, value in changes.items():
        kept.append(flags[name])
        if value is not True:
            kept.append(as_typed(value))
    return shlex.join(kept)


def typed_flags(
    words: Sequence[str], known: Mapping[str, bool]
) -> Iterator[tuple[str, str, list[str]]]:
    """A command's words, flags together with their values.

    Parameters
    ----------
    words : sequence of str
    known : mapping from str to bool
        Flags, and whether they have a value. Others are taken for words of their own.

    Yields
    ------
    str, str, list of str
        The flag, or else the word; its value, empty if it has none; and both as they were typed.
    """
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        following = [next(rest, "")] if known.get(flag) and not equals else []
        yield flag, "".join(following) or value, [word, *following]


#: Flags that say how a file's model becomes a network, and which of them have a value.
NETWORK = {
    "--max-pooling": True, "--swap": True, "--spike-input": False, "--custom-objects": True,
    "--trust": False,
}  # fmt: skip

#: Those that say how a model is made to spike, too.
SPIKING = {
    **NETWORK, "--scales": True, "--scale": True, "--steps": True, "--synapse": True,
    "--readout": True, "--dt": True,
}  # fmt: skip


def network_flags(typed: str) -> str:
    """Those of a typed command's flags that another command has to have for the same network.

    Parameters
    ----------
    typed : str
    """
    pieces = typed_flags(shlex.split(typed), NETWORK)
    return shlex.join(word for flag, _, piece in pieces if flag in NETWORK for word in piece)


def spiking_flags(typed: str, neurons: bool = False) -> str:
    """Those of a typed command's flags that another command has to have for the same spikes.

    Parameters
    ----------
    typed : str
    neurons : bool
        Also the type of neurons, for a command that has no others by itself. What runs on a chip
        without being told so has the chip's.
    """
    known = {**SPIKING, "--neuron": True} if neurons else SPIKING
    words = shlex.split(typed)
    pieces = list(typed_flags(words, known))
    kept = [word for flag, _, piece in pieces if flag in known for word in piece]
    if neurons and words[1:2] == ["deploy"] and "--neuron" not in [flag for flag, *_ in pieces]:
        kept += ["--neuron", CHIP_NEURONS]
    return shlex.join(kept)


def command_of(start: str, options: Any, more: Mapping[str, Any]) -> str:
    """The command that a call stands for: ``""`` if an option has no flag.

    Parameters
    ----------
    start : str
        Command and files: ``"nengo-spikecost report MODEL --data DATA"``.
    options : Options
        Those that were given are typed.
    more : mapping from str to object
        Further options of `convert`.
    """
    words = [start]
    fields = options.__dataclass_fields__
    known = {"max_pooling": "--max-pooling", "spike_input": "--spike-input"}
    for name, value in {**options.given(), **more}.items():
        if name in NEITHER or (name in fields and name not in options.deciding()):
            continue
        if value is None:
            if name in fields and name not in NONE:
                return ""
            words += [NONE[name]] if NONE.get(name) else []
            continue
        if name in REPEATED and isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                return ""
            pairs = [shlex.quote(f"{key}={as_typed(one)}") for key, one in value.items()]
            words += [f"{REPEATED[name]} {pair}" for pair in pairs]
            continue
        given = fields[name].metadata if name in fields else {"help": name in known}
        plain = isinstance(value, (str, int, float)) or hasattr(value, "dtype")
        if not given.get("help") or not plain:
            return ""
        flag = flag_of(fields[name]) if name in fields else known[name]
        if isinstance(value, bool):
            words += [flag] if value else []
        else:
            words.append(f"{flag} {shlex.quote(as_typed(value))}")
    return " ".join(words)


def as_typed(value: Any) -> str:
    """A value as text that is read as the same value again."""
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))
