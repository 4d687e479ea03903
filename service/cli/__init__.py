"""Commands of the service, one module each; entry points add them to ``disambig``."""
