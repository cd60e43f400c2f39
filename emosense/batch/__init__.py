"""Batch analysis: the photos and videos of a folder, glob pattern or cloud address -> Parquet."""
