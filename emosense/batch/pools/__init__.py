"""Pools of inference processes that work on a batch: on this machine, or on Ray."""
