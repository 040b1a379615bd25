"""Formulas that somebody claims, decided: proved equal to what is derived, or refuted in exact numbers."""
