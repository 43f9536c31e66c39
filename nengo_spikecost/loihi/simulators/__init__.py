"""The simulators of Loihi for `measure`: the batched emulation, and NengoLoihi itself."""
