"""The client of Microsoft Graph: sign-in, paging, report downloads, throttling, errors. No DuckDB, no Dagster."""
