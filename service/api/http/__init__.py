"""HTTP concerns that routes share: problems, ETags, bodies, paging, OpenAPI."""
