"""Decoding and encoding of pictures; the only place that reads encoded bytes."""
