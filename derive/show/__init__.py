"""The steps of a derivation as text, LaTeX, Markdown, JSON and pictures."""
