"""The inference process and its client."""
