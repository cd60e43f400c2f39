"""Many files: a folder, glob or cloud address of photos and videos -> Parquet."""
