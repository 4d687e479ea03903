"""Database: connections, schema, bulk access, signature lookups, migrations, backup."""
