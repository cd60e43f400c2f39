"""The Models page's view of test sets that the visitor brings."""
