"""Clustering runs: full and incremental."""
