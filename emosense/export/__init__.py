"""Results as files: CSV, JSON, Parquet and WebVTT, from one schema of faces."""
