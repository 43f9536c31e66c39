"""The limits of a core, a chip and a board of Loihi, and the use that one block makes of them.

Every limit is named once, here. *Checked* says who finds out when it is exceeded:
NengoLoihi when it builds, its mapping to hardware (a bare assertion), or nobody.

References: nengo-loihi 1.1.0, block.py, builder/validate.py, hardware/builder.py,
hardware/nxsdk_objects.py, hardware/interface.py; Davies et al., Loihi: A Neuromorphic
Manycore Processor with On-Chip Learning, IEEE Micro 38(1), 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

# ---------------------------------------------------------------- a core, checked at build

#: Compartments of a core. block.py, ``MAX_COMPARTMENTS``; Davies et al. 2018.
MAX_COMPARTMENTS = 1024

#: Input axons of a core: entries of its synapse map. block.py, ``MAX_IN_AXONS``.
MAX_INPUT_AXONS = 4096

#: Output axon slots of a core. block.py, ``MAX_OUT_AXONS``.
MAX_OUTPUT_AXONS = 4096

#: Slots of an output axon by its type: discrete, pop16, pop32. block.py, ``slots_per_axon``.
AXON_SLOTS = {0: 1, 16: 1, 32: 2}

#: Synapse memory of a core in bits: 16,384 words of 64. block.py, ``MAX_SYNAPSE_BITS``.
MAX_SYNAPSE_BITS = 16384 * 64

#: Compartment offsets of an input axon are below this. builder/validate.py, ``max_base``.
AXON_BASES = 256

#: Compartment offsets of pop16 axons are multiples of this. builder/validate.py.
POP16_BASE_STEP = 4

# ---------------------------------------------------------------- synapse memory

#: Bits of a word of synapse memory, and most weights behind one header. block.py,
#: ``bits_per_axon`` and ``n_synapses``.
MEMORY_WORD_BITS = 64
WEIGHTS_PER_GROUP = 64

#: Bits of the header of a group of weights: 4 for the format, 6 for their number.
GROUP_HEADER_BITS = 10

#: Bits of a weight. block.py, ``WEIGHT_BITS_MAP[7]``.
WEIGHT_BITS = 8

#: Bits that a compartment index can have beside a weight. block.py, ``INDEX_BITS_MAP``.
INDEX_BITS = (0, 6, 7, 8, 9, 10, 11, 12)

# ---------------------------------------------------------------- a core, hardware only

#: Different compartment configurations (decays, refractory period) of a core. Checked as an
#: assertion on the board, ``< MAX_COMPARTMENT_CFGS`` in hardware/builder.py: one less fits.
MAX_COMPARTMENT_CONFIGS = 32 - 1

#: Different thresholds of a core. Checked likewise, ``< MAX_VTH_CFGS``.
MAX_THRESHOLD_CONFIGS = 8 - 1

#: Channels that pop16 axons carry on hardware. hardware/builder.py: "Using more than 32
#: 'populations' ... has not yet been implemented in NxSDK". The emulator takes more.
MAX_POP16_CHANNELS = 32

#: Input axons that pop16 axons can address on a core: 10 bits. block.py, ``axon_bits``.
MAX_POP16_INPUT_AXONS = 1024

#: Entries of the synapse map that an input axon takes where it learns. block.py,
#: ``idxs_per_synapse``; counted on hardware, not by the check at build.
LEARNING_AXON_ENTRIES = 2

# ---------------------------------------------------------------- a chip and its host

#: Cores of a chip. hardware/allocators.py; Davies et al. 2018.
MAX_CORES_PER_CHIP = 128

#: Chips that ``nengo_loihi.Simulator`` asks for unless told otherwise (``n_chips``).
DEFAULT_CHIPS = 2

#: Spikes from the host to a chip in one step; more than that are dropped, with a warning.
#: hardware/interface.py, ``snip_max_spikes_per_step``, which can be raised.
MAX_HOST_SPIKES_PER_STEP = 50


@dataclass(frozen=True)
class CoreUse:
    """The resources that one block uses of the core that holds it.

    Attributes
    ----------
    compartments, input_axons, output_axons, synapse_bits : int
        As ``LoihiBlock.utilization`` counts them; output axons are slots, of which a pop32
        axon takes two.
    """

    compartments: int
    input_axons: int
    output_axons: int
    synapse_bits: int

    @property
    def limits(self) -> tuple[tuple[str, int, int], ...]:
        """Name, use and limit of each resource."""
        return (
            ("compartments", self.compartments, MAX_COMPARTMENTS),
            ("input axons", self.input_axons, MAX_INPUT_AXONS),
            ("output axons", self.output_axons, MAX_OUTPUT_AXONS),
            ("synapse bits", self.synapse_bits, MAX_SYNAPSE_BITS),
        )

    @property
    def fits(self) -> bool:
        """Whether every resource is within the limits of a core."""
        return all(used <= limit for _, used, limit in self.limits)

    @property
    def fullest(self) -> tuple[str, float]:
        """The resource that is used most, and which share of it (1: all)."""
        name, used, limit = max(self.limits, key=lambda entry: entry[1] / entry[2])
        return name, used / limit

    def __str__(self) -> str:
        return ", ".join(f"{used:,} of {limit:,} {name}" for name, used, limit in self.limits)


def index_bits(largest_index: int) -> int:
    """Bits of a compartment index in synapse memory, for indices up to this one.

    Indices that need more bits than the chip has are given the most it has: such a block can't
    be built (`MAX_COMPARTMENTS` is far below), and NengoLoihi counts it so.
    """
    needed = largest_index.bit_length() if largest_index > 0 else 0
    return next((bits for bits in INDEX_BITS if bits >= needed), INDEX_BITS[-1])


def axon_bits(n_weights: int, bits_of_index: int) -> int:
    """Synapse memory in bits of one set of weights, each with an index of some bits."""
    groups, rest = divmod(n_weights, WEIGHTS_PER_GROUP)
    bits = groups * _group_bits(WEIGHTS_PER_GROUP, bits_of_index)
    return bits + (_group_bits(rest, bits_of_index) if rest else 0)


def _group_bits(n_weights: int, bits_of_index: int) -> int:
    bits = n_weights * (WEIGHT_BITS + bits_of_index) + GROUP_HEADER_BITS
    return -(-bits // MEMORY_WORD_BITS) * MEMORY_WORD_BITS
