"""The dbt models, as assets."""
