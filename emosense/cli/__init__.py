"""The ``emosense`` command."""
