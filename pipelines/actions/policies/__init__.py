"""Policies: rules of the user's own that plan actions after each sync, and apply them only where told to."""
