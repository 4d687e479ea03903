"""Must-links and cannot-links that decisions state."""
