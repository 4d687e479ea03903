"""Benchmarks: accuracy, speed, scaling, review simulation."""
