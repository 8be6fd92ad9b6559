"""Files exported by hand, recognised by content and landed in the form that loading reads. No HTTP, no Dagster."""
