"""ORCID iDs and other identifiers of identities."""
