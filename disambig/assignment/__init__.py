"""Assign one new work against a clustered corpus."""
