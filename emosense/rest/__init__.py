"""The REST API: the same answers for programs."""
