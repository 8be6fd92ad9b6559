"""The page of a release: one self-contained file that opens from disk and asks nobody for anything."""
