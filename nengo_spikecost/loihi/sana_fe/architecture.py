"""SANA-FE and its description of Loihi, as they are installed.

SANA-FE is under the GPL and none of it is part of this package: it is imported when it is
asked for, and its description of Loihi is read where it lies.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import LoihiError

#: What `pip` installs it by.
PACKAGE = "sanafe"

#: Units of a core that `Constants` needs, as SANA-FE's description of Loihi names them.
NEURONS, HOST = "loihi_lif", "loihi_inputs"
SYNAPSES = {kind: f"loihi_{kind}_synapse" for kind in ("dense", "sparse", "conv")}
#: Where a description has the constants of an event, of a neuron's unit and of messages' ways.
_OF_NEURONS = {
    "neuron_access": "access_neuron", "neuron_update": "update_neuron", "spike_out": "spike_out",
}  # fmt: skip
_OF_WAYS = {
    "message_out": "message_out", "message_in": "message_in", "east_west": "east_hop",
    "north_south": "north_hop",
}  # fmt: skip

_NUMBER = r"[-+]?\d[\d.]*(?:[eE][-+]?\d+)?"


def sanafe() -> Any:
    """Module ``sanafe``.

    Raises
    ------
    LoihiError
        If it is not installed, or can't be imported.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise LoihiError(
            "SANA-FE is not installed. It is optional, and under the GPL: "
            "pip install 'nengo-spikecost[sanafe]' (Python 3.10 and later)."
        )
    try:
        return importlib.import_module(PACKAGE)
    except ImportError as error:
        raise LoihiError(f"SANA-FE is installed but can't be imported: {error}.") from error


def installed_architecture() -> Path:
    """Path of SANA-FE's own description of Loihi."""
    file = Path(sanafe().__file__).parent / "examples" / "loihi.yaml"
    if not file.is_file():
        raise LoihiError(
            f"This SANA-FE has no {file.name} among its examples ({file.parent}): pass the "
            "path of its arch/loihi.yaml as architecture=."
        )
    return file


@dataclass(frozen=True)
class Constants:
    """Constants of a description of Loihi for SANA-FE, in J and s.

    Attributes
    ----------
    path : Path
    width, height, cores_per_tile : int
        Tiles from west to east and from north to south, and cores of each.
    energy, latency : mapping from str to float
        Of ``neuron_access``, ``neuron_update``, ``spike_out``, ``message_out``,
        ``message_in``, ``east_west``, ``north_south``, and ``dense``, ``sparse`` and
        ``conv`` synapses, one event each.
    sync : tuple of (int, float)
        Tiles in use from which on, and the time in s that ending a step takes.
    """

    path: Path
    width: int
    height: int
    cores_per_tile: int
    energy: Mapping[str, float] = field(repr=False)
    latency: Mapping[str, float] = field(repr=False)
    sync: tuple[tuple[int, float], ...] = field(repr=False)

    def sync_s(self, n_tiles: int) -> float:
        """Time in s that the end of a step takes with ``n_tiles`` tiles in use."""
        reached = [seconds for tiles, seconds in self.sync if tiles <= n_tiles]
        return reached[-1] if reached else self.sync[0][1]

    @property
    def n_cores(self) -> int:
        """Cores of the chip."""
        return self.width * self.height * self.cores_per_tile


def read_constants(path: str | os.PathLike[str] | None = None) -> Constants:
    """Read the constants from a description of Loihi for SANA-FE.

    Parameters
    ----------
    path : str or path, optional
        Default: the file that comes with SANA-FE.

    Raises
    ------
    LoihiError
        If the file can't be read, or lacks one of them.
    """
    file = installed_architecture() if path is None else Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise LoihiError(f"Cannot read {str(file)!r}: {error.strerror or error}.") from error
    return _Description(file, text).constants()


class _Description:
    """A description, of which the few lines that are needed are looked up by name.

    It is YAML; SANA-FE reads it itself, and a parser of it would be one more dependency.
    """

    def __init__(self, path: Path, text: str):
        self.path = path
        self.text = re.sub(r"#.*", "", text)
        pieces = re.split(r"^\s*- name:\s*(\S+)\s*$", self.text, flags=re.MULTILINE)
        self.units = dict(zip(pieces[1::2], pieces[2::2]))

    def constants(self) -> Constants:
        energy, latency = (self._events(kind) for kind in ("energy", "latency"))
        width, height = (int(self._number(self.text, key)) for key in ("width", "height"))
        cores = self._cores_per_tile()
        return Constants(self.path, width, height, cores, energy, latency, self._sync())

    def _events(self, kind: str) -> dict[str, float]:
        """Energy or latency of every event, by the names that `Constants` has."""
        soma, process = self._unit(NEURONS), f"{kind}_process_spike"
        return {
            **{name: self._number(soma, f"{kind}_{key}") for name, key in _OF_NEURONS.items()},
            **{name: self._number(self.text, f"{kind}_{key}") for name, key in _OF_WAYS.items()},
            **{name: self._number(self._unit(unit), process) for name, unit in SYNAPSES.items()},
        }

    def _unit(self, name: str) -> str:
        if name not in self.units:
            raise LoihiError(f"{self.path} has no unit {name!r}, which a core of Loihi has.")
        return self.units[name]

    def _number(self, text: str, key: str) -> float:
        line = re.search(rf"^\s*{key}:\s*({_NUMBER})\s*$", text, flags=re.MULTILINE)
        if line is None:
            raise LoihiError(f"{self.path} has no number for {key!r}.")
        return float(line[1])

    def _sync(self) -> tuple[tuple[int, float], ...]:
        table = re.search(r"^\s*latency_sync:\s*\{([^}]*)\}", self.text, flags=re.MULTILINE)
        pairs = re.findall(rf"(\d+)\s*:\s*({_NUMBER})", table[1]) if table else []
        if not pairs:
            raise LoihiError(f"{self.path} has no table for 'latency_sync'.")
        return tuple(sorted((int(tiles), float(seconds)) for tiles, seconds in pairs))

    def _cores_per_tile(self) -> int:
        for name in self.units:
            cores = re.fullmatch(r"\w*core\w*\[0\.\.(\d+)\]", name)
            if cores:
                return int(cores[1]) + 1
        raise LoihiError(f"{self.path} does not say how many cores a tile has.")
