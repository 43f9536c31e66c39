"""Names for Nengo objects that are unique, and the same every time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any

import nengo
from nengo.ensemble import Neurons


def unique_names(
    network: nengo.Network, objects: Iterable[Any], preferred: Mapping[Any, str]
) -> dict[Any, str]:
    """Name objects of a network.

    An object is called by its preferred name, else by its label, else by its type. Of several
    with the same preferred name the first has it, and the others are called by their labels
    (the parts of a layer). Where several would still be called the same, those inside labelled
    subnetworks say which; and whatever is not unique then is numbered, in the order given.

    Parameters
    ----------
    network : nengo.Network
    objects : iterable of nengo objects
        In the order that numbers follow.
    preferred : mapping from nengo object to str

    Returns
    -------
    dict from nengo object to str
    """
    paths = dict(_label_paths(network, ()))
    plain: dict[Any, str] = {}
    given: set[str] = set()
    for obj in objects:
        name = preferred.get(obj)
        if name and name in given:
            name = getattr(obj, "label", None) or name
        plain[obj] = name or label_of(obj)
        given.add(preferred.get(obj) or "")
    shared = {name for name, uses in Counter(plain.values()).items() if uses > 1}
    qualified = {
        obj: ".".join((*paths.get(obj, ()), name)) if name in shared - given else name
        for obj, name in plain.items()
    }
    return numbered(qualified)


def numbered(names: Mapping[Hashable, str]) -> dict[Any, str]:
    """Make names unique by appending numbers to all but the first of those alike."""
    uses = Counter(names.values())
    taken = set(uses)
    result: dict[Any, str] = {}
    seen: Counter[str] = Counter()
    for key, name in names.items():
        seen[name] += 1
        number = seen[name]
        unique = name
        while number > 1 and unique in taken:
            unique = f"{name} #{number}"
            number += 1
        taken.add(unique)
        result[key] = unique
    return result


def unused(name: str, taken: Collection[str]) -> str:
    """The name; if it is taken, with the first number that makes it another: ``a_2``."""
    unique, number = name, 1
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    return unique


def ensemble_of(obj: Any) -> Any:
    """The Ensemble of an object that is its neurons; else the object."""
    return obj.ensemble if isinstance(obj, Neurons) else obj


def label_of(obj: Any) -> str:
    """The label of an object, or the name of its type.

    nengo_spa derives a class ``Connector<Node>`` from that of each Node or Ensemble that is an end
    of a module: what it was made as is the first class with a name.
    """
    label = getattr(obj, "label", None)
    if label:
        return str(label)
    names = (cls.__name__ for cls in type(obj).__mro__)
    return next(name for name in names if name.isidentifier()).lower()


def in_names(text: str, names: Mapping[Any, str]) -> str:
    """Text of another package, with names in place of how objects print themselves.

    ``<Connection from <Ensemble (unlabeled) at 0x7f...> to ...>`` becomes ``a -> b``.

    Parameters
    ----------
    text : str
    names : mapping from Ensemble or Node to str
    """
    for obj, name in names.items():
        for printed in {str(obj), repr(obj)}:
            text = text.replace(f"<Neurons of {printed}>", name).replace(printed, name)
    # of a Connection, whose ends have their names by now; a label of one has another form
    text = re.sub(
        r"<Connection from ((?:[^<>]|->)+?) to ((?:[^<>]|->|<lambda>)+?)>", r"\1 -> \2", text
    )
    return re.sub(r" at 0x[0-9a-f]+>", ">", text)


def subnetwork_names(network: nengo.Network) -> dict[Any, str]:
    """Of every Ensemble and Node in a subnetwork of a network, the name of the outermost one.

    Parameters
    ----------
    network : nengo.Network

    Returns
    -------
    dict from nengo object to str
        Names are labels, or types, and unique.
    """
    labels = {own: own.label or type(own).__name__ for own in network.networks}
    return {
        obj: name
        for own, name in numbered(labels).items()
        for obj in (*own.all_ensembles, *own.all_nodes)
    }


def _label_paths(
    network: nengo.Network, path: tuple[str, ...]
) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Every object of the subnetworks, with the labels of the networks it is in."""
    for subnetwork in network.networks:
        inner = (*path, subnetwork.label) if subnetwork.label else path
        for obj in (*subnetwork.ensembles, *subnetwork.nodes):
            yield obj, inner
        yield from _label_paths(subnetwork, inner)
