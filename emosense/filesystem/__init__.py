"""Walking folders, glob patterns, file names, and counts of skipped files."""
