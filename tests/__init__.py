"""Tests of disambig; they mirror its packages."""
