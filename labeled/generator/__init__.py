"""Generated corpora and their parameters."""
