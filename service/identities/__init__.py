"""Identities: rows, summary, lifecycle, id continuity."""
