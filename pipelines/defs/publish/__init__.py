"""The published copies, the last assets of a run."""
