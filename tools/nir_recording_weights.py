"""Weights of the networks that are recorded; torch is needed."""

from __future__ import annotations

import torch
from torch import nn


def weights(net: nn.Module, gain: float = 1.0, grid: float | None = None) -> nn.Module:
    """Weights that make neurons of threshold 1 spike, on a grid if one is given.

    Those that lead back to the same neurons (``recurrent``) have a mean of 0.
    """
    with torch.no_grad():
        for name, module in net.named_modules():
            if not isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d)):
                continue
            fan = module.weight[0].numel()
            mean = 0.0 if name.endswith("recurrent") else 1.2 * gain / fan
            module.weight.normal_(mean, 1.2 * gain / fan**0.5)
            if module.bias is not None:
                module.bias.normal_(0.0, 0.1)
            if grid is not None:
                for values in module.parameters():
                    values.copy_(torch.round(values / grid) * grid)
    return net
