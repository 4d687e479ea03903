"""What readers see of identities and names."""
