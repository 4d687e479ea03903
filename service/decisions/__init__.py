"""Decisions of curators: make, list, undo, override."""
