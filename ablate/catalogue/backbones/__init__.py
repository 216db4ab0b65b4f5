"""Backbones: one file each, found by being in this folder."""

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape

__all__ = ["BACKBONES", "Backbone", "ImageShape"]
