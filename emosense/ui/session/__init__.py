"""Browser sessions and the server: login, query parameters, background jobs, clean-up, memory."""
