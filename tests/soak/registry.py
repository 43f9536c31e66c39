"""Kinds of networks, and what is checked of each."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np


class LeftOut(Exception):
    """A check that has nothing to look at in this network; the message says why."""


class Refused(Exception):
    """This package said before that another one can't run the network, and it could not."""


@dataclass(frozen=True)
class Kind:
    """A kind of random networks.

    Attributes
    ----------
    name : str
        As the tables have it.
    make : function
        From a seed to the network, with all that its checks need of it.
    share : int
        How many of the networks are of this kind, relative to the shares of the others.
    """

    name: str
    make: Callable[[int], Any]
    share: int


@dataclass(frozen=True)
class Check:
    """One thing that is looked at.

    Attributes
    ----------
    name : str
        What is right, in a few words.
    against : str
        What the package is held against.
    kinds : tuple of str
        Networks that it is looked at in.
    run : function
        Takes what `Kind.make` gave. It raises an AssertionError where the two differ.
    """

    name: str
    against: str
    kinds: tuple[str, ...]
    run: Callable[[Any], None]


KINDS: dict[str, Kind] = {}
CHECKS: list[Check] = []


def kind(name: str, share: int) -> Callable[[Callable[[int], Any]], Callable[[int], Any]]:
    """Register a function that makes networks of a kind."""

    def register(make: Callable[[int], Any]) -> Callable[[int], Any]:
        KINDS[name] = Kind(name, make, share)
        return make

    return register


def check(name: str, against: str, kinds: Iterable[str]) -> Callable[..., Any]:
    """Register a function that looks at networks of some kinds."""

    def register(run: Callable[[Any], None]) -> Callable[[Any], None]:
        CHECKS.append(Check(name, against, tuple(kinds), run))
        return run

    return register


def kept(make: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a function of a network: what it gives is kept with the network."""

    @functools.wraps(make)
    def once(network: Any, *args: Any, **options: Any) -> Any:
        found = network.__dict__.setdefault("_kept", {})
        key = (make.__name__, args, *options.items())
        if key not in found:
            found[key] = make(network, *args, **options)
        return found[key]

    return once


#: The first words of kinds, in the order in which seeds draw them.
FAMILIES = ("Keras", "Nengo", "Loihi")


def kind_of(seed: int) -> Kind:
    """The kind that a seed makes: drawn by the shares, and always the same one.

    Whichever module is imported first: a family's kinds are registered by one module.
    """
    kinds = sorted(KINDS.values(), key=lambda one: FAMILIES.index(re.split(r"\W", one.name)[0]))
    shares = np.cumsum([one.share for one in kinds])
    drawn = np.random.RandomState(seed).randint(shares[-1])
    return kinds[int(np.searchsorted(shares, drawn, side="right"))]


def checks_of(name: str) -> list[Check]:
    """The checks of a kind, in the order they are done."""
    return [one for one in CHECKS if name in one.kinds]
