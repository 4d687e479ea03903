"""Request models of the REST API; response types are in the packages that return them."""
