"""What can be varied: registries of losses, samplers, backbones, optimizers, schedules, augmentations and data sets."""
