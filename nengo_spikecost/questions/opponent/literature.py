"""Publications on when spikes pay, as data, to be held beside measured spikes.

None of these numbers is used to compute a break-even: that comes from the cost model and the two
devices alone. Each threshold holds under the assumptions of its paper, which are named with it.
"""

from __future__ import annotations

from dataclasses import dataclass

SPIKES_PER_SYNAPSE = "spikes per synapse and inference"
SPIKES_PER_STEP = "spikes per synapse and step"
QUANTITIES = (SPIKES_PER_SYNAPSE, SPIKES_PER_STEP)
"""Quantities of thresholds. The second is the first over the number of steps."""


@dataclass(frozen=True)
class Threshold:
    """Where a publication has spiking networks win.

    Attributes
    ----------
    name : str
        Authors and year.
    quantity : str
        One of `QUANTITIES`.
    low, high : float
        Below ``low`` spikes pay; above ``high`` they do not; between the two it depends on what
        the publication varies. Equal where it gives one number.
    meaning : str
        What the threshold is of, and what was assumed.
    source : str
        Publication.
    evidence : str
        ``"read"``: in the publication; ``"quoted"``: in words of it that others quote;
        ``"second-hand"``: as others sum it up; ``"computed"``: its condition, with the energies
        of the comparison that it stands beside.
    steps : tuple of int, optional
        Fewest and most steps of the inferences that it was derived for: what holds for each of
        five steps need not for each of fifty. None: it is said of any.
    """

    name: str
    quantity: str
    low: float
    high: float
    meaning: str
    source: str
    evidence: str
    steps: tuple[int, int] | None = None

    def applies(self, n_steps: int) -> bool:
        """Whether it was derived for inferences of so many steps.

        Parameters
        ----------
        n_steps : int
        """
        return self.steps is None or self.steps[0] <= n_steps <= self.steps[1]

    def of(self, spikes_per_synapse: float, n_steps: int) -> float:
        """The measured spikes as the quantity of the threshold.

        Parameters
        ----------
        spikes_per_synapse : float
            Per inference.
        n_steps : int
            Steps of an inference.
        """
        return spikes_per_synapse / (n_steps if self.quantity == SPIKES_PER_STEP else 1)

    def verdict(self, spikes_per_synapse: float, n_steps: int) -> str:
        """``"met"``, ``"not met"``, or ``"depends"`` between the ends of the range.

        ``"other steps"`` if it was not derived for so many.

        Parameters
        ----------
        spikes_per_synapse : float
            Per inference.
        n_steps : int
            Steps of an inference.
        """
        if not self.applies(n_steps):
            return "other steps"
        value = self.of(spikes_per_synapse, n_steps)
        if value <= self.low:
            return "met"
        return "not met" if value > self.high else "depends"

    def band(self, n_steps: int) -> tuple[float, float]:
        """``low`` and ``high`` as spikes per synapse and inference.

        Parameters
        ----------
        n_steps : int
            Steps of an inference.
        """
        factor = n_steps if self.quantity == SPIKES_PER_STEP else 1
        return self.low * factor, self.high * factor


PUBLISHED: tuple[Threshold, ...] = (
    Threshold(
        name="Dampfhoffer et al. 2023", quantity=SPIKES_PER_SYNAPSE, low=0.15, high=1.38,
        meaning="against an efficient dense accelerator, memory accesses included; the ends are "
        "of different networks and dataflows",
        source="Dampfhoffer, Mesquida, Valentian and Anghel, Are SNNs really more "
        "energy-efficient than ANNs? An in-depth hardware-aware study, IEEE Trans. Emerging "
        "Topics in Computational Intelligence 7(3), 2023",
        evidence="second-hand",
    ),
    Threshold(
        name="Davidson and Furber 2021", quantity=SPIKES_PER_SYNAPSE, low=1.72, high=1.72,
        meaning="spikes that transmit one output, on the same 22 nm silicon with weights in SRAM",
        source="Davidson and Furber, Comparison of artificial and spiking neural networks on "
        "digital hardware, Frontiers in Neuroscience 15:651141, 2021",
        evidence="quoted",
    ),
    Threshold(
        name="Yan et al. 2024, with data movement", quantity=SPIKES_PER_STEP,
        low=0.0341, high=0.108,
        meaning="5.7% at 5 steps against a bit-matched network, with memory and the network "
        "between cores (6.4% at 5 to 10 steps in its version 3); the ends are of movement costs "
        "50% up and down",
        source="Yan, Bai, Tang and Wong, Reconsidering the energy efficiency of spiking neural "
        "networks inference from analytical perspectives, arXiv:2409.08290v4, 2024",
        evidence="quoted", steps=(5, 10),
    ),
    Threshold(
        name="Shen et al. 2024", quantity=SPIKES_PER_STEP, low=0.10, high=0.15,
        meaning="efficient at an equal budget of steps x bits",
        source="Shen, Zhao, Li, Li and Zeng, Are conventional SNNs really efficient? A "
        "perspective from network quantization, CVPR 2024, arXiv:2311.10802",
        evidence="second-hand",
    ),
)  # fmt: skip
"""Thresholds that are numbers. `yan_compute` is one that depends on the two machines."""


def yan_compute(mac_over_acc: float, zero_share: float = 0.0) -> Threshold:
    """The condition of Yan et al. for arithmetic alone, ``T s <= k (1 - gamma)``.

    Parameters
    ----------
    mac_over_acc : float
        ``k``: energy of the opponent's multiply-accumulate over that of a synaptic operation.
    zero_share : float
        ``gamma``: share of activations that are zero, which the opponent would not compute
        if it skipped zeros. Lower end of the range; the upper is that of an opponent that
        multiplies by zeros too.
    """
    skips = f"; low: it skips the {zero_share:.0%} that are zero" * bool(zero_share)
    return Threshold(
        name="Yan et al. 2024, arithmetic alone", quantity=SPIKES_PER_SYNAPSE,
        low=mac_over_acc * (1 - zero_share), high=mac_over_acc,
        meaning=f"k (1 - gamma), these machines' k = {mac_over_acc:.3g}; high: the opponent "
        f"multiplies every activation{skips}",
        source="Yan, Bai, Tang and Wong, arXiv:2409.08290v4, 2024", evidence="computed",
    )  # fmt: skip
