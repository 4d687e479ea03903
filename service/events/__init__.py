"""The append-only event log, the change feed, history."""
