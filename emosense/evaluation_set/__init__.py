"""Labelled photos of the visitor as a test set: found, measured and predicted."""
