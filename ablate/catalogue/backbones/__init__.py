"""Backbones: one file each, found by being in this folder."""

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, BookShape, ImageShape, ItemShape, takes_books

__all__ = ["BACKBONES", "Backbone", "BookShape", "ImageShape", "ItemShape", "takes_books"]
