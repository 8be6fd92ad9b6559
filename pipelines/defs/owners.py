"""Who answers for what Dagster shows."""

OWNERS = ["team:analytics"]
