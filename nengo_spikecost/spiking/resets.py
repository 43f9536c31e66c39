"""What happens to the membrane of a neuron that fires, where a step has no parts."""

from __future__ import annotations

#: After a spike, in the order in which compiled code counts them:
#:
#: ``"value"``
#:     the membrane is at ``reset_value``;
#: ``"value_skip"``
#:     and stays there through the next step, whose input is lost;
#: ``"subtract"``
#:     the threshold is subtracted, once for each spike;
#: ``"subtract_later"``
#:     it is subtracted in the next step, after the decay;
#: ``"subtract_owed"``
#:     it is subtracted at once, and where the membrane is above it still, again in the next step;
#: ``"none"``
#:     nothing happens.
RESETS = ("value", "value_skip", "subtract", "subtract_later", "subtract_owed", "none")
