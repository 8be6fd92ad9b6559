"""What Dagster sees: assets, checks, jobs and schedules. The work itself is done elsewhere."""
