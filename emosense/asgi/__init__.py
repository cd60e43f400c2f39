"""ASGI middleware: what a request must fulfil before Streamlit or a route of ours sees it."""
