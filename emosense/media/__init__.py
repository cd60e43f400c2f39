"""Decoding and encoding of photos and videos; the only package that reads encoded bytes."""
