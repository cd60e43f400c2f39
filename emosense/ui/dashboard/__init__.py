"""The views of the Models page: one file per view, each with a function ``show``."""
