"""Proposals, their differences, publishing, rollback."""
