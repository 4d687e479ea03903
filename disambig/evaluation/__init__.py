"""Metrics, estimates from samples, the report."""
