"""Answers to tasks, task generation, samples, reviewers."""
