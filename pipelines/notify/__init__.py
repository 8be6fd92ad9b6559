"""Messages to people, off by default: what went wrong, once, and a digest every week. Counts only, no names."""
