"""The connection test: what works, what does not, and the way to mend it. No Dagster, no printing."""
