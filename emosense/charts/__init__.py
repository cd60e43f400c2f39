"""Plotly figures of results, for pages and notebooks: nothing here imports Streamlit."""
