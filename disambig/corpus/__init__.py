"""Works as columns, corpus statistics, and the index that features read."""
