"""Forests, calibration, the model file."""
