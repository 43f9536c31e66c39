"""A stand-in for a board and NxSDK: a chip that computes from the registers written to it.

NengoLoihi's own code runs unchanged, from its simulator down to the last call into NxSDK: it
allocates cores, validates them, writes registers, sends spikes, and reads probes. What NxSDK
and a board would do with that is done here, from nothing but these registers and spikes, with
the arithmetic of the chip as NengoLoihi documents it. Learning and noise are left out. In
place of the socket to a host process stands `HostSnip`, which gets and gives the same bytes.

No board was at hand: that a real one does the same is NengoLoihi's claim, not shown by this.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import ClassVar

import numpy as np

N = 1024  # compartments of a core


class Register:
    """Fields that are set, and arrays of such, made when they are first asked for."""

    def __init__(self):
        self._children = {}

    def __getitem__(self, key):
        return self._children.setdefault(int(key), Register())

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        child = Register()
        setattr(self, name, child)
        return child

    def configure(self, **fields):
        for name, value in fields.items():
            setattr(self, name, int(value))

    def __len__(self):
        return len(self._children)

    def items(self):
        return self._children.items()


class Core(Register):
    """A core: registers, the axons it sends to, and the state of its compartments."""

    def __init__(self, chip, number):
        super().__init__()
        self.parent, self.id = chip, 128 * chip.id + number
        self.axons = {}
        self.u, self.v, self.wait, self.input = np.zeros((4, N), dtype=np.int64)
        self.spiked = np.zeros(N, dtype=bool)
        self._parameters = None

    def _create(self, source, atom, chip, core, axon):
        self.axons.setdefault(int(source), []).append((int(core), int(axon), int(atom)))

    def createDiscreteAxon(self, srcCxId, dstChipId, dstCoreId, dstSynMapId):
        self._create(srcCxId, 0, dstChipId, dstCoreId, dstSynMapId)

    def createPop16Axon(self, popId, srcCxId, srcRelCxId, dstChipId, dstCoreId, dstSynMapId):
        self._create(srcCxId, srcRelCxId, dstChipId, dstCoreId, dstSynMapId)

    createPop32Axon = createPop16Axon

    def receive(self, axon, atom):
        """A spike arrives at an input axon."""
        entry = self.synapseMap[axon]
        if "discreteMapEntry" in vars(entry):
            base = entry.discreteMapEntry.cxBase
        elif "population16MapEntry" in vars(entry):
            base = 4 * entry.population16MapEntry.cxBase
        else:
            base = entry.population32MapEntry.cxBase
        for k in range(entry.synapseLen):
            word = self.synapses[entry.synapsePtr + atom * entry.synapseLen + k]
            exponent = 6 + self.synapseFmt[word.synFmtId].wgtExp
            self.input[base + word.CIdx] += word.Wgt << exponent

    def step(self):
        """Update all compartments."""
        if not len(self.cxCfg):
            return
        p = self._parameters = self._parameters or self._read()
        self.u = decayed(self.u, 4096 - 1 - p.decay_u) + self.input
        self.v = np.clip(decayed(self.v, 4096 - p.decay_v) + self.u + p.bias, p.low, p.high)
        self.v[self.wait > 0] = 0
        self.spiked = (self.v > p.threshold) & p.used
        self.v[self.spiked] = 0
        self.wait[self.spiked] = p.refractory[self.spiked]
        self.wait = np.maximum(self.wait - 1, 0)
        self.input[:] = 0

    def _read(self):
        used = np.zeros(N, dtype=bool)
        bias, decay_u, decay_v, threshold, refractory = np.zeros((5, N), dtype=np.int64)
        for k, cx in self.cxCfg.items():
            used[k] = True
            bias[k] = cx.bias << cx.biasExp
            profile = self.cxProfileCfg[cx.cxProfile]
            decay_u[k], decay_v[k] = profile.decayU, profile.decayV
            refractory[k] = profile.refractDelay
            assert not profile.enableNoise
            threshold[k] = self.vthProfileCfg[cx.vthProfile].staticCfg.vth << 6
        shared = self.dendriteSharedCfg
        low, high = 1 - 2**shared.negVmLimit, 2 ** (9 + 2 * shared.posVmLimit) - 1
        return SimpleNamespace(
            used=used, bias=bias, decay_u=decay_u, decay_v=decay_v, threshold=threshold,
            refractory=refractory, low=low, high=high,
        )  # fmt: skip


def decayed(x, keep):
    return np.sign(x) * ((np.abs(x) * keep) >> 12)


class Board:
    """In place of NxSDK's N2Board."""

    made: ClassVar[list] = []

    def __init__(self, board_id, n_chips, n_cores_per_chip, n_synapses_per_core):
        self.n2Chips = []
        for number in range(n_chips):
            chip = SimpleNamespace(id=number, parent=self)
            chip.n2CoresAsList = [Core(chip, k) for k in range(n_cores_per_chip[number])]
            chip.n2Cores = chip.n2CoresAsList
            self.n2Chips.append(chip)
        self.monitor = self
        self.t, self.started, self.connected, self.n_runs = 0, False, True, 0
        self.executor = SimpleNamespace(hasStarted=lambda: self.started)
        self.arriving = {}
        self._probes = []
        Board.made.append(self)

    @property
    def cores(self):
        return {core.id: core for chip in self.n2Chips for core in chip.n2CoresAsList}

    def start(self):
        self.started = True

    def disconnect(self):
        self.started = self.connected = False

    def probe(self, state, compartments, key):
        """One probe a compartment, as NxSDK gives them."""
        owner = next(core for core in self.cores.values() if core.cxState is state)
        probes = [
            SimpleNamespace(timeSeries=SimpleNamespace(data=[]), at=int(k)) for k in compartments
        ]
        self._probes += [(owner, key, probe) for probe in probes]
        return probes

    def run(self, steps, aSync=False):
        assert self.started and self.connected
        self.n_runs += 1
        if not aSync:
            for _ in range(steps):
                self.step()

    def finishRun(self):
        pass

    def send(self, time, core, axon, atom=0):
        """A spike that the host sends in a step arrives in the next."""
        self.arriving.setdefault(time + 1, []).append((core, axon, atom))

    def step(self):
        self.t += 1
        cores = self.cores
        fired = [
            target
            for core in cores.values()
            for k in np.flatnonzero(core.spiked)
            for target in core.axons.get(int(k), ())
        ]
        for core, axon, atom in fired + self.arriving.pop(self.t, []):
            cores[core].receive(axon, atom)
        for core in cores.values():
            core.step()
        for core, key, probe in self._probes:
            values = {"u": core.u, "v": core.v, "spike": core.spiked}[key]
            probe.timeSeries.data.append(int(values[probe.at]))

    def createSnip(self, *args, **kwargs):
        return SimpleNamespace()

    def createChannel(self, *args, **kwargs):
        return SimpleNamespace(connect=lambda a, b: None)


class SpikeGenerator:
    """In place of NxSDK's BasicSpikeGenerator."""

    def __init__(self, board):
        self._board = board

    def addSpike(self, time, chipId, coreId, axonId):
        self._board.send(time, coreId, axonId)

    def addPop16Spike(self, time, chipId, coreId, axonId, srcAtom, atomBits):
        self._board.send(time, coreId, axonId, int(srcAtom))

    def addPop32Spike(self, time, chipId, coreId, axonId, srcAtom):
        self._board.send(time, coreId, axonId, int(srcAtom))


class HostSnip:
    """In place of the socket to the process on the board's host, with the chips' programs."""

    def __init__(self, folder):
        self.connected, self.snip, self.chips = False, None, ()

    def create(self, board, chip_snips):
        self.board, self.chips = board, chip_snips
        self.snip = SimpleNamespace()

    def connect(self, board):
        self.connected = True

    def close(self):
        self.connected = False

    def send_all(self, data):
        """Lengths of what each chip gets; then for each the number of spikes, and spikes."""
        data = [int(value) for value in data]
        start = len(self.chips)
        for length in data[: len(self.chips)]:
            part = data[start : start + length]
            start += length
            assert len(part) == 1 + 2 * part[0], "no errors of learning rules"
            for where, what in zip(part[1::2], part[2::2]):
                self.board.send(self.board.t + 1, where >> 16, where & 0xFFFF, what & 0xFFFF)

    def recv_bytes(self, n_expected):
        """One step of the board, and what the programs on its chips send of it."""
        self.board.step()
        cores, packets = self.board.cores, []
        for chip in self.chips:
            out = np.zeros(64 * chip.n_output_packets, dtype=np.int32)
            out[0] = self.board.t
            for offset, key, core, first, stride, n in chip.probes:
                where = first + stride * np.arange(n)
                if isinstance(key, str):
                    out[offset : offset + n] = getattr(cores[core], key)[where]
                elif n == 1:
                    out[offset] = cores[core].spiked[where[0]]
                else:
                    bits = np.zeros(32 * -(-n // 32), dtype=np.uint8)
                    bits[:n] = cores[core].spiked[where]
                    words = np.packbits(bits, bitorder="little").view(np.int32)
                    out[offset : offset + len(words)] = words
            packets.append(out)
        found = np.concatenate(packets)
        assert 4 * len(found) == n_expected
        return found


def install(monkeypatch, nengo_loihi):
    """Have NengoLoihi find NxSDK, as above; the boards that are made come in a list."""
    from nengo_loihi.hardware import builder, interface

    for module in (nengo_loihi.hardware, nengo_loihi.simulator):
        monkeypatch.setattr(module, "HAS_NXSDK", True)
    monkeypatch.setattr(builder, "NxsdkBoard", Board)
    monkeypatch.setattr(builder, "SpikeGen", SpikeGenerator)
    monkeypatch.setattr(interface, "nxsdk", SimpleNamespace(__version__="1.0.0"))
    monkeypatch.setattr(interface, "assert_nxsdk", lambda: None)
    monkeypatch.setattr(interface, "SpikeProbe", SimpleNamespace(probeDict={}))
    monkeypatch.setattr(interface, "HostSnip", HostSnip)
    phases = SimpleNamespace(EMBEDDED_MGMT=1, EMBEDDED_PRELEARN_MGMT=2, HOST_CONCURRENT_EXECUTION=3)
    monkeypatch.setattr(interface, "SnipPhase", phases)
    monkeypatch.setattr(Board, "made", [])
    return Board.made
