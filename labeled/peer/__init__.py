"""S2AND measured on the same blocks."""
