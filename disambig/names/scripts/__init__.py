"""Names in other scripts: division without spaces, and transliterations that vary."""
