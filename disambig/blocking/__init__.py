"""Blocks and candidate pairs."""
