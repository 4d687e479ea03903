"""Explain why two mentions are one person, or two."""
