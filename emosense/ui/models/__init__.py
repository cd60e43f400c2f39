"""The Models page: one module per view, each with a function ``show``."""
