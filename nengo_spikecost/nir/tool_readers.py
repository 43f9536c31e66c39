"""How tools read NIR graphs: what `to_nir` has to write for their importers to give the same network.

All files that `to_nir` writes for a tool mean the same under NIR's own equations, stepped by Euler's
method with the reader's ``dt``. What differs between readers is which fields they look at, and what
they take for granted. So for tools the neurons are written in a normal form: the reset and the leak
at 0, every input counted once (``r = tau / dt``), and one threshold, by scaling weights and biases.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import check
from ..errors import ConversionError
from .conventions import Convention

_TORCH = frozenset(("Affine", "Linear", "Conv2d", "Flatten", "LIF", "CubaLIF", "Input", "Output"))


@dataclass(frozen=True)
class Reader:
    """Who is to read a graph.

    Attributes
    ----------
    convention : Convention
        How the reader steps neurons.
    kinds : frozenset of str, optional
        Kinds of nodes that it reads; None: all.
    r : {"free", "tau/dt", "1"}
        What a membrane's gain has to be: anything; so that an input counts once; or 1.
    one_tau : bool
        Whether all neurons of a node have to share their time constants.
    splits_loops : bool
        Whether a loop of neurons and one matrix can't be read, so that two are written.
    depth_first : bool
        Whether nodes are run depth first, which some graphs do not survive.
    """

    convention: Convention
    kinds: frozenset[str] | None = None
    r: str = "free"
    one_tau: bool = False
    splits_loops: bool = False
    depth_first: bool = False

    @property
    def name(self) -> str:
        """Of the tool."""
        return self.convention.name

    @property
    def called(self) -> str:
        """Its name in a sentence."""
        return "NIR" if self.name == "nir" else self.name

    @property
    def is_tool(self) -> bool:
        """Whether it is a tool with conditions of its own."""
        return self.kinds is not None

    def reads(self, kind: str) -> bool:
        """Whether it reads a kind of node."""
        return self.kinds is None or kind in self.kinds


#: What the importer of each tool does, from the sources of the version named.
READERS: Mapping[str, Reader] = {
    # nir 1.0.8, ir/neuron.py; Euler steps, as `from_nir` has them
    "nir": Reader(Convention("nir")),
    # snntorch 1.0.0, import_nir.py: dt is fixed, the reset goes to 0 at once, an IF becomes a
    # Leaky(beta=0.9) (so none is written), and a recurrent Linear that is one node is not read
    "snntorch": Reader(
        Convention("snntorch", dt=1e-4), _TORCH | {"AvgPool2d"}, r="tau/dt", splits_loops=True
    ),
    # norse 1.1.0, utils/import_nir.py: dt is its argument, r of a LIF or IF is ignored
    "norse": Reader(Convention("norse", dt=1e-3), _TORCH | {"IF"}, r="1", depth_first=True),
    # spikingjelly 2.0.0, activation_based/nir_exchange/from_nir.py: fires at v >= v_threshold
    "spikingjelly": Reader(
        Convention("spikingjelly", dt=1e-4, at_threshold=True),
        _TORCH | {"AvgPool2d", "IF"}, r="tau/dt", one_tau=True,
    ),
}  # fmt: skip


def reader_of(given: str | Convention) -> Reader:
    """The reader that a user means.

    Raises
    ------
    ConversionError
        If there is no such reader.
    """
    if isinstance(given, Convention):
        return Reader(given)
    check.choice("convention", given, READERS, ConversionError)
    return READERS[given]
