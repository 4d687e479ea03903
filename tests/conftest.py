"""Puts this folder on the path of tests in folders below, for the helpers that they share."""
