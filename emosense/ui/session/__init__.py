"""What belongs to a browser session or the server: login, query parameters, clean-up, memory."""
