"""What can be varied: registries of losses, samplers, backbones, optimizers, schedules and data sets."""
