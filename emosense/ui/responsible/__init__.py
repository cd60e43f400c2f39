"""The Responsible use page."""
