"""Fit and recalibrate models."""
