"""The service: works, identities that last, runs, decisions; over HTTP and on the command line."""
