"""A spiking network against the same network without spikes."""
