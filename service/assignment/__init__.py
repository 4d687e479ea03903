"""Assign the signatures of new works to published identities."""
