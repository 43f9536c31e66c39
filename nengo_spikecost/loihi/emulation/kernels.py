"""The chip's time step, compiled.

The model is that of NengoLoihi's emulator. All quantities are whole numbers. For compartment
``i``, its synapses ``j -> i`` and step ``t``::

    q_i  =  wrap22( sum of w_ji over the spikes of step t-1, + noise )          (1) input
    u_i <-  wrap24( decay(u_i, 4095 - decay_u) + q_i )                          (2) current
    d_i  =  wrap24( u_i + bias_i + noise )                                      (3) drive
    v_i <-  clip( decay(v_i, 4096 - decay_v) + d_i,  lowest, highest )          (4) voltage
    v_i <-  0  while the compartment rests                                      (5) rest
    fires:  v_i > threshold;  then  v_i <- 0  and it rests for refractory - 1 steps   (6) spike

    decay(x, keep)  =  sign(x) * floor( abs(x) * keep / 2**12 )                 (7)
    wrapN(x)  =  the lowest N bits of x, the highest of which is the sign       (8)

* Decays have 12 bits. The chip adds 1 to that of the current, so that 4095 stands in (2).
* (7) rounds towards zero: a decaying current reaches 0, instead of staying at -1.
* A weight is a signed mantissa of at most 8 bits times a power of 2 that all weights of its set
  of synapses share; a bias is one of 12 bits times up to 2**7, a threshold one of 17 bits times
  2**6. NengoLoihi rounds all of them when it builds (builder/discretize.py), and they come here
  multiplied out.
* Noise is drawn for all compartments at once (noise.py), for (1) or for (3).

How it is computed, and why so:

1. Spikes are events. A spike costs as many additions as it meets weights (`deliver`), and what
   is silent costs nothing; a product with a matrix would cost the same at every step. Weights
   of a spike lie together, whatever blocks they are in, and so do their targets (deliveries.py).
2. Updates of compartments are loops over neighbours that are alike (`integrate`), with no branch
   in them, so that the compiler does 8 or 16 at once.
3. All is done in 32 bits. ``abs(x) * keep`` in (7) may have 35 bits, and is computed in two
   halves that fit (`decayed`): numbers of 64 bits would halve how many are done at once.
4. One lane of the batch after another runs all its steps, so that its state stays in the cache.
   Lanes are independent: threads take some each, and the code holds no lock (``nogil``).

Shapes in what follows: ``n`` compartments, and ``S`` sources of spikes, which are the compartments
and then the neurons of the host that send to the chip. The arrays of ``chip`` are described in
`nengo_spikecost.loihi.emulation.chip.Tables`.

Imported when an `Emulator` is built, because numba takes half a second to import.

Reference: nengo-loihi 1.1.0, emulator/interface.py (``CompartmentState.update``,
``SynapseState``), builder/discretize.py (``decay_int``, ``overflow_signed``).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from ...activity.compiled.vector_code import is_set
from .delivery_kernels import THIRTY_TWO, collect, count, deliver, take

_inline = numba.njit(inline="always")

#: A voltage of which so much is kept does not decay.
WHOLE = 2**12


@_inline
def decayed(x: Any, keep: Any) -> Any:
    """Equation (7), for ``abs(x) <= 2**23`` and ``keep <= 2**12``.

    With ``a = abs(x) = 4096 * high + low``, ``a * keep >> 12`` is ``high * keep`` plus
    ``low * keep >> 12``, exactly, and both products fit in 32 bits. All three factors have at most
    13 bits; masks say so to the compiler, which then multiplies numbers of 16 bits: on many
    processors twice as fast.
    """
    sign = np.int32(x >> 31)  # 0 or -1: (x ^ sign) - sign changes the sign if it is -1
    a = np.int32(np.int32(x ^ sign) - sign)
    kept = np.int32(keep & 8191)
    high = np.int32(np.int32(np.int32(a >> 12) & 4095) * kept)
    low = np.int32(np.int32(np.int32(a & 4095) * kept) >> 12)
    a = np.int32(high + low)
    return np.int32(np.int32(a ^ sign) - sign)


@_inline
def wrapped(x: Any, unused_bits: Any) -> Any:
    """Equation (8), with ``unused_bits = 32 - N``: shifted out on the left, and back."""
    return np.int32(np.int32(x << unused_bits) >> unused_bits)


@_inline
def charged(q: Any, u: Any, kept_v: Any, bias: Any, keep_u: Any, lowest: Any, highest: Any) -> Any:
    """Equations (1) to (4) of one compartment, with ``kept_v`` left of its voltage; all are int32.

    Gives current, voltage, and the bits that were lost of input, current and drive.
    """
    given = wrapped(q, 10)
    whole_current = np.int32(decayed(u, keep_u) + given)
    current = wrapped(whole_current, 8)
    whole_drive = np.int32(current + bias)
    drive = wrapped(whole_drive, 8)
    voltage = np.int32(kept_v + drive)
    voltage = min(max(voltage, lowest), highest)
    return current, voltage, given ^ q, current ^ whole_current, drive ^ whole_drive


def _integration(leaks: bool, rests: bool) -> Any:
    """Equations (1) to (6) of neighbouring compartments that are alike.

    With ``leaks`` their voltage decays, with ``rests`` they rest for whole steps: loops without
    these are shorter. The ``n`` compartments from ``start`` on have the first ``n`` inputs ``q``.
    ``u``, ``v``, ``waits``, which are the steps left of the rest, and ``bias`` int32 are of all
    compartments; all but ``bias`` are updated, and ``spiked`` and ``busy`` uint8 are set: whether
    one fires, and whether anything changes it (`update`). ``p`` is (kept of the current, kept of
    the voltage, threshold, lowest, highest, refractory). Bits that wrapping lost are set in
    ``lost`` int32 (3,): of inputs, currents and drives.

    Parts of arrays are not made for this: each costs more than 20 compartments do.
    """

    @numba.njit(nogil=True)
    def integrate(
        q: Any, u: Any, v: Any, waits: Any, bias: Any, spiked: Any, busy: Any, start: int, n: int,
        p: Any, lost: Any,
    ) -> None:  # fmt: skip
        lost_q, lost_u, lost_d = lost[0], lost[1], lost[2]
        keep_u, keep_v, threshold, lowest, highest, rest = p[0], p[1], p[2], p[3], p[4], p[5]
        for k in range(n):
            own = np.uint64(k)
            j = np.uint64(start) + own
            busy[j] = (u[j] | v[j] | q[own] | bias[j]) != 0
            kept_v = decayed(v[j], keep_v) if leaks else v[j]
            u[j], x, bits_q, bits_u, bits_d = charged(
                q[own], u[j], kept_v, bias[j], keep_u, lowest, highest
            )
            lost_q, lost_u, lost_d = lost_q | bits_q, lost_u | bits_u, lost_d | bits_d
            if rests:
                x = np.int32(0) if waits[j] > 0 else x
            fires = x > threshold
            spiked[j] = fires
            v[j] = np.int32(0) if fires else x
            if rests:
                waits[j] = max(np.int32((rest if fires else waits[j]) - 1), np.int32(0))
        lost[0], lost[1], lost[2] = lost_q, lost_u, lost_d

    return integrate


_leaking_and_resting, _leaking = _integration(True, True), _integration(True, False)
_resting, _plain = _integration(False, True), _integration(False, False)


@numba.njit(cache=True, nogil=True)
def integrate(
    q: Any, u: Any, v: Any, waits: Any, bias: Any, spiked: Any, busy: Any, start: int, n: int,
    p: Any, lost: Any,
) -> None:  # fmt: skip
    """The loop that suits compartments that are alike; arguments are those of `_integration`."""
    if p[1] < WHOLE:
        if p[5] > 1:
            _leaking_and_resting(q, u, v, waits, bias, spiked, busy, start, n, p, lost)
        else:
            _leaking(q, u, v, waits, bias, spiked, busy, start, n, p, lost)
    elif p[5] > 1:
        _resting(q, u, v, waits, bias, spiked, busy, start, n, p, lost)
    else:
        _plain(q, u, v, waits, bias, spiked, busy, start, n, p, lost)


@numba.njit(cache=True, nogil=True)
def update(
    chip: Any, bias: Any, noise: Any, inputs: Any, reached: Any, q: Any, u: Any, v: Any,
    waits: Any, spiked: Any, busy: Any, with_input: Any, active: Any, overflows: Any,
) -> None:  # fmt: skip
    """Equations (1) to (6) of all compartments, one segment of equal ones after another.

    ``inputs`` int32 (n,) and ``reached`` uint8 (n,), in the order of inputs, are what was
    delivered, and 0 afterwards; ``noise`` int32 (n,), or (0,) if there is none, is added to it.
    ``q`` int32 is room for the largest segment. ``bias`` (with noise), ``u``, ``v``, ``waits``
    int32 (n,); ``spiked`` uint8 (n,), and ``busy`` uint8 (n,) is room for as many flags.
    ``with_input`` and ``active`` int64 (blocks,) count compartments that a weight reached; and
    those that it reached, or whose current, voltage or bias is not 0 when the step begins. All
    others stay as they are, with nothing to compute. ``overflows`` uint8 (blocks, 3) is set where
    bits were lost.
    """
    p = np.empty(6, dtype=np.int32)
    lost = np.zeros(3, dtype=np.int32)
    for s in range(len(chip.segment_start)):
        lo, hi = chip.segment_start[s], chip.segment_stop[s]
        take(chip, s, q, inputs)
        if len(noise):
            for j in range(hi - lo):
                q[j] = np.int32(q[j] + noise[lo + j])
        p[0], p[1], p[2] = chip.keep_current[s], chip.keep_voltage[s], chip.threshold[s]
        p[3], p[4], p[5] = chip.lowest[s], chip.highest[s], chip.refractory[s]
        integrate(q, u, v, waits, bias, spiked, busy, lo, hi - lo, p, lost)
        for k in range(3):
            if lost[k]:
                overflows[chip.segment_block[s], k] = 1
                lost[k] = 0
        # weights that cancel each other out reach a compartment, too
        counts = count(chip, s, reached, busy)
        with_input[chip.segment_block[s]] += np.int64(np.uint32(counts))
        active[chip.segment_block[s]] += np.int64(counts >> THIRTY_TWO)


@numba.njit(cache=True, nogil=True)
def tally_delivered(chip: Any, events: Any, n_events: int, sent: Any, arrived: Any) -> None:
    """Count what was delivered: messages by sender; messages and synops by set of synapses.

    ``sent`` int64 (senders,), ``arrived`` int64 (2, sets of synapses).
    """
    for k in range(n_events):
        source = events[k]
        first, last = chip.entry_of[source], chip.entry_of[source + 1]
        sent[chip.sender_of[source]] += last - first
        for entry in range(first, last):
            number = chip.synapses_of[chip.effects[entry, 0]]
            arrived[0, number] += 1
            arrived[1, number] += chip.effects[entry, 1]


@numba.njit(cache=True, nogil=True)
def tally_fired(chip: Any, events: Any, n_events: int, n: int, fired: Any) -> None:
    """Count spikes by sender; ``fired`` int64 (senders,).

    Of the host, whose sources are those from ``n`` on, spikes that reach no weight are not sent.
    """
    for k in range(n_events):
        source = events[k]
        if source < n or chip.entry_of[source] < chip.entry_of[source + 1]:
            fired[chip.sender_of[source]] += 1


@numba.njit(cache=True, nogil=True)
def advance(
    chip: Any, state: Any, host: Any, noise: Any, records: Any, counts: Any, steps: Any,
    start: int, lanes: Any, ended: Any,
) -> None:  # fmt: skip
    """Simulate some steps of some lanes.

    Each step of a lane: deliver what fired one step before; add noise; update all compartments;
    collect what fires now, on the chip and on the host, for the next step; record.

    Parameters
    ----------
    chip : Tables
    state : tuple of ndarray, each (lanes, ...)
        Current, voltage and steps of rest left of each compartment (int32), whether it has
        fired, and whether neurons of the host have (uint8, filled up to a multiple of 8).
    host : ndarray of uint8, shape (lanes, steps, neurons of the host)
        How often each of them fires; filled up likewise.
    noise : tuple of ndarray of int32, each (0 or steps, compartments)
        Added to inputs, and to biases, in all lanes; without steps if there is none.
    records : tuple of ndarray, each (lanes, steps, recorded)
        Set to spikes (uint8), current and voltage (int32).
    counts : tuple of ndarray
        Added to: spikes of each source (lanes, S) int32; compartments with input, and active
        ones, (lanes, 1 or steps of the sample, blocks) int64. Whether numbers were too large,
        (lanes, blocks, 3) uint8, is set.
    steps : tuple of ndarray of int64, each (lanes, 0 or steps of the sample, ...)
        Added to, unless they have no steps: spikes and messages by sender, and messages and
        synops that arrive (2, sets of synapses).
    start : int
        Steps of the sample that were simulated before.
    lanes : (int, int)
        First lane, and the one after the last.
    ended : ndarray of int64, shape (1,)
        Another thread sets it to 1 to end this before its next step, in a state that is of no use.
    """
    current, voltage, waits, spiked, fired_by_host = state
    spikes, with_input, active, overflows = counts
    fired, sent, arrived = steps
    by_step = fired.shape[1] > 0
    n = current.shape[1]
    n_steps = host.shape[1]
    inputs, reached = np.zeros(n, dtype=np.int32), np.zeros(n, dtype=np.uint8)
    q = np.empty((chip.segment_stop - chip.segment_start).max(), dtype=np.int32)
    busy = np.zeros(n, dtype=np.uint8)
    marked, n_delivered = np.zeros(chip.n_marks, dtype=np.int64), 0
    drive = chip.bias.copy()
    noisy, no_noise = noise[0].shape[0] > 0, np.zeros(0, dtype=np.int32)
    events = np.empty(chip.most_events, dtype=np.int32)
    ignored = np.zeros(spikes.shape[1], dtype=np.int32)
    for lane in range(lanes[0], lanes[1]):
        n_events = collect(spiked[lane], 0, events, 0, ignored)
        n_events = collect(fired_by_host[lane], n, events, n_events, ignored)
        for t in range(n_steps):
            if is_set(ended):
                return
            row = start + t if by_step else 0
            n_delivered += 1
            deliver(chip, events, n_events, inputs, reached, marked, n_delivered)
            if by_step:
                tally_delivered(chip, events, n_events, sent[lane, row], arrived[lane, row])
            if noisy:
                for j in range(n):
                    drive[j] = np.int32(chip.bias[j] + noise[1][t, j])
            update(
                chip, drive, noise[0][t] if noisy else no_noise, inputs, reached, q,
                current[lane], voltage[lane], waits[lane], spiked[lane], busy,
                with_input[lane, row], active[lane, row], overflows[lane],
            )  # fmt: skip
            n_events = collect(spiked[lane], 0, events, 0, spikes[lane])
            n_events = collect(host[lane, t], n, events, n_events, spikes[lane])
            if by_step:
                tally_fired(chip, events, n_events, n, fired[lane, row])
            for k in range(len(chip.record_spiked)):
                records[0][lane, t, k] = spiked[lane, chip.record_spiked[k]]
            for k in range(len(chip.record_current)):
                records[1][lane, t, k] = current[lane, chip.record_current[k]]
            for k in range(len(chip.record_voltage)):
                records[2][lane, t, k] = voltage[lane, chip.record_voltage[k]]
        fired_by_host[lane] = host[lane, n_steps - 1]


@numba.njit(cache=True, nogil=True)
def add_deliveries(chip: Any, spikes: Any, messages: Any, synops: Any) -> None:
    """Add by route what the spikes of each source deliver.

    ``spikes`` int32 (lanes, S); ``messages`` and ``synops`` int64 (lanes, routes).
    """
    for lane in range(spikes.shape[0]):
        for source in range(spikes.shape[1]):
            n = spikes[lane, source]
            if n:
                for entry in range(chip.entry_of[source], chip.entry_of[source + 1]):
                    route = chip.effects[entry, 0]
                    messages[lane, route] += n
                    synops[lane, route] += np.int64(n) * chip.effects[entry, 1]
