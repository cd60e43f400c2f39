"""Background jobs of the app: queue, progress and cancellation."""
