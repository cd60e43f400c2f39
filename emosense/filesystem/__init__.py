"""Folder walks, glob patterns, file names, atomic writes, and counts of skipped files."""
