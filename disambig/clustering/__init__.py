"""Constraints, linkage, both levels of clustering, joins across blocks."""
