"""Evaluations of networks as tables and as a report in one HTML file."""
