"""Cluster works on Apache Spark."""
