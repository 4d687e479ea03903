"""Models fitted on decisions, compared, promoted."""
