"""Gold sets and what is measured on them: loaders, splits, the bundled sample, benchmarks."""
