"""Data sets, recipes, training, publishing of models."""
