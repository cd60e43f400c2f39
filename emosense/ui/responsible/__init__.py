"""The page on responsible use."""
