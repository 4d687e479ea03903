"""Build the shipped models."""
