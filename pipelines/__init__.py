"""A warehouse of Microsoft 365 usage and licences, from Microsoft Graph to DuckDB."""
