"""What the inference process does: one handler module per kind of request."""
