"""What the pages share; the only part that imports streamlit."""
