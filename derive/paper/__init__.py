"""Text as written on paper → one named expression a line."""
