"""The inference process: one module of handlers per kind of request."""
