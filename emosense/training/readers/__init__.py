"""Readers of data sets: FER2013's csv, image folders, and archives of both."""
