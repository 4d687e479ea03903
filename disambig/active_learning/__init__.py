"""Questions for reviewers, and the expected gain of their answers."""
