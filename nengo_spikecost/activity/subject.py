"""The network that `measure` was given, the names of its inputs and outputs, and its data."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable

import nengo

from ..errors import AxesError, DataError, MeasurementError
from .given_arrays import is_array
from .samples import InputSpec, SampleStream, SelfDriven, with_labels

#: Length of a step in s, unless something else is said.
DEFAULT_DT = 0.001


@dataclass(frozen=True)
class Subject:
    """A network to simulate, and the names of its parts.

    Attributes
    ----------
    named : nengo.Network or Conversion
        The object that knows the names of layers.
    network : nengo.Network
    inputs : mapping from str to nengo.Node
        Those that could be fed, by name.
    outputs : mapping from str to nengo.Probe
    fit : BlockFit, optional
        Block shapes that came with it.
    """

    named: Any
    network: nengo.Network
    inputs: Mapping[str, nengo.Node] = field(repr=False)
    outputs: Mapping[str, nengo.Probe] = field(repr=False)
    fit: Any = field(default=None, repr=False)

    def stream(self, data: Any, n_steps: Any) -> tuple[list[InputSpec], SampleStream | SelfDriven]:
        """The Nodes that ``data`` is for, and its samples."""
        if is_nothing(data) and isinstance(self.named, nengo.Network):
            return [], SelfDriven(n_steps)
        inputs, make = self.reader(data, n_steps)
        return inputs, make(data)

    def reader(
        self, data: Any, n_steps: Any
    ) -> tuple[list[InputSpec], Callable[[Any], SampleStream]]:
        """The Nodes that ``data`` is for, and a function that makes samples of it, or of parts."""
        resolve = _resolver(self.inputs)
        inputs = self._fed(resolve, with_labels(data)[0])
        return inputs, partial(SampleStream, inputs=inputs, resolve=resolve, n_steps=n_steps)

    def step(self, dt: float | None) -> float:
        """The length of a step in s: what was asked for, or what the network is made for.

        Raises
        ------
        MeasurementError
            If the network is made for steps of another length.
        """
        return step_of(self.named, dt)

    def _fed(self, resolve: Callable[[Any], str], data: Any) -> list[InputSpec]:
        """All inputs; of a plain network those that a dict of data names."""
        fed = list(self.inputs)
        if isinstance(self.named, nengo.Network) and isinstance(data, Mapping):
            try:
                fed = [resolve(key) for key in data]
            except KeyError as error:
                raise DataError(f"data: {error.args[0]}") from None
        return [self._spec(name) for name in fed]

    def _spec(self, name: str) -> InputSpec:
        """An input with the axes of its values, where the network says them."""
        node = self.inputs[name]
        shapes = getattr(self.named, "input_shapes", None)
        shape = taken_as(self.network, node) if shapes is None else shapes.get(name)
        if shape is not None and math.prod(shape) != node.size_out:
            shape = None
        events = name in getattr(self.named, "spike_inputs", ())
        return InputSpec(name, node, node.size_out, shape, events)


def step_of(named: Any, dt: float | None) -> float:
    """The length of a step of a network, a Conversion or a fit; see `Subject.step`."""
    given = getattr(named, "given", named)
    own = getattr(given, "dt", None) if hasattr(given, "net") else None
    if own is None or dt is None:
        return own or dt or DEFAULT_DT
    if abs(dt - own) > 1e-6 * own:
        of_graph = isinstance(given, nengo.Network)
        made = "neurons" if of_graph else "layers of KerasSpiking"
        say = "give step_s to from_nir" if of_graph else f"say dt={own:g}"
        raise MeasurementError(
            f"The network has {made} that were made for steps of dt={own:g} s, "
            f"and would fire at other rates in steps of {dt:g} s: {say}."
        )
    return dt


def taken_as(network: nengo.Network, node: nengo.Node) -> tuple[int, ...] | None:
    """The axes of a Node's values as all convolutions and layers behind it take them.

    None if there are none, or they differ: then the values have no axes but one.
    """
    shapes = set()
    for conn in network.all_connections:
        if conn.pre_obj is not node or conn.size_in != node.size_out:
            continue
        image = getattr(conn.transform, "input_shape", None)
        # a layer of NengoDL has the axes that it was made with
        shape = getattr(image, "shape", None) or getattr(conn.post_obj, "shape_in", None)
        if shape is not None:
            shapes.add(tuple(map(int, shape)))
    return shapes.pop() if len(shapes) == 1 else None


def subject(given: Any) -> Subject:
    """The subject of a measurement: a network, a Conversion, or an object with one, as a BlockFit.

    Raises
    ------
    MeasurementError
        If it is none of these.
    """
    fit, named = None, given
    if hasattr(given, "shapes") and hasattr(given, "apply"):
        fit, named = given, getattr(given, "given", given.network)
    named = _named(named)
    if isinstance(named, nengo.Network):
        outputs = _by_label(
            (i, probe.label or getattr(probe.obj, "label", None) or f"probe {i}", probe)
            for i, probe in enumerate(named.all_probes)
        )
        inputs = source_nodes(named)
        if hasattr(named, "input_nodes"):  # of a graph: a bias has a Node that is none of them
            own = {id(node) for node in named.input_nodes}
            inputs = {name: node for name, node in inputs.items() if id(node) in own}
        return Subject(named, named, inputs, outputs, fit)
    if _is_named(named):
        return Subject(named, named.net, named.inputs, dict(named.outputs), fit)
    raise MeasurementError(
        "network must be a Conversion, a nengo.Network or a BlockFit, not "
        f"{type(given).__name__} (a Keras model goes through convert() first)."
    )


def steps_or_own(network: Any, data: Any, n_steps: int | None) -> int | None:
    """``n_steps``; None, for those of the samples, where arrays of samples have a time axis."""
    x, _ = with_labels(data)
    if isinstance(x, Mapping) or is_array(x):
        with contextlib.suppress(AxesError, MeasurementError):
            subject(network).stream(data, None)
            return None
    return n_steps


def is_nothing(data: Any) -> bool:
    """Whether there are no data to feed."""
    return data is None or (isinstance(data, Mapping) and not data)


def network_of(given: Any) -> nengo.Network | None:
    """The network of what `subject` takes, or of what it would refuse; None if there is none."""
    named = _named(given)
    if isinstance(named, nengo.Network):
        return named
    return named.net if _is_named(named) else None


def _named(given: Any) -> Any:
    """A network or what has one as ``.net``; else what it has as ``.network``."""
    return given if _is_named(given) else getattr(given, "network", given)


def _is_named(given: Any) -> bool:
    net = given if isinstance(given, nengo.Network) else getattr(given, "net", None)
    return isinstance(net, nengo.Network)


def source_nodes(network: nengo.Network) -> dict[str, nengo.Node]:
    """Nodes of a plain network that could be fed, by label."""
    return _by_label(
        (i, node.label or f"node {i}", node)
        for i, node in enumerate(network.all_nodes)
        if node.size_in == 0 and node.size_out > 0
    )


def _by_label(labelled: Iterable[tuple[int, str, Any]]) -> dict[str, Any]:
    """Objects by label; a label that is taken gets the number of its object."""
    named: dict[str, Any] = {}
    for number, label, obj in labelled:
        named[label if label not in named else f"{label} ({number})"] = obj
    return named


def _resolver(names: Mapping[str, nengo.Node]) -> Callable[[Any], str]:
    """The function that finds the name of an input by a key of a dict of data."""
    by_node = {node: name for name, node in names.items()}

    def resolve(key: Any) -> str:
        if isinstance(key, nengo.Node) and key in by_node:
            return by_node[key]
        if isinstance(names, dict) and key not in names:
            raise KeyError(
                f"The network has no input Node {key!r}; there are {', '.join(names) or 'none'}."
            )
        # the lookup of a Conversion knows layers and tensors too
        return key if isinstance(names, dict) else names.name_of(key)  # type: ignore[attr-defined]

    return resolve
