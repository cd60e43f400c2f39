"""The Camera page: answers on the very frame, a timeline of the last minute, recordings of numbers."""
