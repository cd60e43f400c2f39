"""Plotly figures from results. No streamlit here: they serve pages and notebooks alike."""
