"""Data sets, recipes, training, metrics, publishing of models."""
