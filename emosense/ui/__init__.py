"""The pages' views and components; the only package that imports Streamlit."""
