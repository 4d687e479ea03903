"""Pair features and group features."""
