"""Loaders and splits of gold labels."""
