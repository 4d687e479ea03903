"""Review tasks: open, close, lease, blind."""
