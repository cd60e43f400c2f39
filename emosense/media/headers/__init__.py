"""Parsers of photo headers: pure Python, of bounded effort, without any decoder."""
