"""dbt as a process of its own, started ahead of time where that pays.

python -m pipelines.dbt_process build …      with the run's process id in M365_DBT_PARENT

It stands outside of defs/, so that Dagster is not loaded once more for it.
"""
