"""Cluster works of any number with arrays on disk."""
