"""Figures of a benchmark as tables, Markdown, JSON and drawings."""
