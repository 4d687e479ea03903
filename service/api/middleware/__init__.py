"""Authentication, rate limits, response cache, access log."""
