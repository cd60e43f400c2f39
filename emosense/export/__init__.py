"""Export of results: CSV, JSON, Parquet and WebVTT, with one schema of faces."""
