"""Commands of the service, one in a module; entry points bring them into ``disambig``."""
