"""A derivation shown: as text, LaTeX, Markdown, JSON, and as a picture of its graph."""
