"""Joins the Graph client and the warehouse: plan, fetch, land, load. No Dagster."""
