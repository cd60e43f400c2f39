"""Background jobs of the app: one queue, one progress, one cancellation."""
