"""Wrong options of `chip_cost` are refused by name."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from nengo_spikecost.energy.loihi_chip import ChipWork, price_chip
from nengo_spikecost.errors import EnergyError
from nengo_spikecost.loihi import chip_cost

WORK = ChipWork.by_hand(n_cores=2, n_compartments=1500, n_steps=10, synops=1e6)


@pytest.mark.parametrize("wrong", ["often", float("nan"), -0.1, 2])
def test_share_of_time_of_the_x86(wrong):
    with pytest.raises(EnergyError, match="x86_active must be between 0 and 1"):
        price_chip(WORK, x86_active=wrong)


def test_a_given_time_of_a_step_may_be_a_number_of_numpy():
    expected = price_chip(WORK, host_io=0.25)
    assert price_chip(WORK, host_io=np.float32(0.25)).latency_s == expected.latency_s


@pytest.mark.parametrize("wrong", [3, "greedy"])
def test_what_is_no_mapping_is_refused(wrong):
    with pytest.raises(EnergyError, match=r"mapping must be a Mapping.*Deployment\.mapping"):
        chip_cost(SimpleNamespace(protocol=None), mapping=wrong)
