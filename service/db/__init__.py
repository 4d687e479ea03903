"""Database: connections, schema, bulk access, migrations, backup."""
