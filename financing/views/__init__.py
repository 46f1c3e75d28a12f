"""Pages of federal financing."""
