"""Train a spiking network in snnTorch on the digits of the package, and write it as a NIR graph.

    pip install torch snntorch nir
    python examples/train_snntorch.py --out nengo_spikecost/data --spikes tests/nir

It needs none of nengo_spikecost but its digits, so that it can run where TensorFlow is not. It
writes ``digits_snntorch.nir``, as snnTorch's own exporter makes it, and ``digits_snntorch.npz``:
the first test digits, and every spike that snnTorch gives for them, to be compared with.

The neurons are reset to zero, which is what NIR and Loihi have; snnTorch's default, a reset by
subtraction, could not be said in the file. An export needs a ``beta`` and a threshold for every
neuron.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nir
import numpy as np
import snntorch as snn
import torch
from snntorch import surrogate
from snntorch.export_nir import export_to_nir
from torch import nn

DIGITS = Path(__file__).resolve().parents[1] / "nengo_spikecost" / "data" / "mnist_subset.npz"
STEPS, BETA, RECORDED = 20, 0.9, 20
MAX_SHIFT = 2  # pixels


def neurons(*shape: int) -> snn.Leaky:
    """Leaky neurons that are reset to zero."""
    return snn.Leaky(
        beta=torch.full(shape, BETA), threshold=torch.full(shape, 1.0), init_hidden=True,
        reset_mechanism="zero", spike_grad=surrogate.atan(),
    )  # fmt: skip


def network() -> nn.Sequential:
    """Two convolutions and a matrix, each with spiking neurons behind it."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2), neurons(8, 14, 14),
        nn.Conv2d(8, 16, 3, stride=2, padding=1), neurons(16, 7, 7),
        nn.Flatten(), nn.Linear(16 * 7 * 7, 10), neurons(10),
    )  # fmt: skip


def run(net: nn.Sequential, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Spikes of each layer of neurons, (samples, steps, ...), for pixels shown at every step."""
    spikes: dict[str, list[torch.Tensor]] = {}
    for module in net:
        if isinstance(module, snn.Leaky):
            module.reset_mem()
    for _ in range(STEPS):
        values = x
        for name, module in net.named_children():
            values = module(values)
            if isinstance(module, snn.Leaky):
                spikes.setdefault(name, []).append(values)
    return {name: torch.stack(steps, dim=1) for name, steps in spikes.items()}


def shifted(x: torch.Tensor) -> torch.Tensor:
    """Images moved at random by up to `MAX_SHIFT` pixels, a batch at a time."""
    moved = torch.randint(-MAX_SHIFT, MAX_SHIFT + 1, (2,)).tolist()
    return torch.roll(x, moved, dims=(2, 3))


def main() -> None:
    """Train, write, and say how good it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--spikes", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=7)
    given = parser.parse_args()
    torch.manual_seed(0)
    with np.load(DIGITS) as archive:
        x_train, x_test = (
            torch.as_tensor(archive[k].reshape(-1, 1, 28, 28).astype(np.float32) / 255)
            for k in ("x_train", "x_test")
        )
        y_train, y_test = (torch.as_tensor(archive[k].astype(int)) for k in ("y_train", "y_test"))
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(given.epochs):
        for index in torch.randperm(len(x_train)).split(64):
            spikes = run(net, shifted(x_train[index]))
            last = list(spikes.values())[-1].mean(dim=1)
            few = sum(layer.mean() for layer in spikes.values())
            loss = nn.functional.cross_entropy(10 * last, y_train[index]) + 0.3 * few
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            spikes = run(net, x_test)
        right = (list(spikes.values())[-1].sum(dim=1).argmax(dim=1) == y_test).float().mean()
        rates = {name: f"{float(layer.mean()):.3f}" for name, layer in spikes.items()}
        print(f"epoch {epoch + 1}: {right:.1%} of test digits, spikes a step {rates}")
    for module in net:
        if isinstance(module, snn.Leaky):
            module.reset_mem()
    nir.write(given.out / "digits_snntorch.nir", export_to_nir(net, x_test[:1], ignore_dims=[0]))
    kept = {f"spikes/{name}": layer[:RECORDED].numpy().astype(np.uint8)
            for name, layer in spikes.items()}  # fmt: skip
    np.savez_compressed(
        given.spikes / "digits_snntorch.npz", x_test=x_test[:RECORDED].numpy(),
        y_test=y_test[:RECORDED].numpy(), **kept,
    )  # fmt: skip


if __name__ == "__main__":
    main()
