"""Builders and worlds that tests share."""
