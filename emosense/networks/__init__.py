"""The CNNs, and the registry of trained ones."""
