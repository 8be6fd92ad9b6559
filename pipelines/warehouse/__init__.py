"""Landing files and the DuckDB warehouse. No HTTP, no Dagster."""
