"""Author name disambiguation: works in, people out."""
