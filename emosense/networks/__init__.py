"""CNN architectures, the registry of trained models, and inference backends."""
