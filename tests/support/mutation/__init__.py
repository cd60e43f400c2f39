"""Structured mutations of photos and videos: files whose parts are right and whose sum is not.

One module per format takes a file apart (segments, chunks, blocks, boxes, elements), changes the
parts and puts them together again with right lengths and checksums, or builds a file from nothing
that declares much and weighs little. :mod:`support.mutation.cases` chooses among them by a seed.
"""
