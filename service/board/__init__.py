"""The name board: view, preview, commit, explain."""
