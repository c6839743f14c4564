"""A network as its files say it: layers, wiring, phases, inputs."""
