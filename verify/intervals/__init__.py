"""Enclosures that NumPy calculates for whole arrays at once: a float64 and an error radius beside it.

The number systems of `verify.numbers` that are made of Python objects are sharper and a hundred times as slow.
"""

from verify.intervals.contraction import Contraction
from verify.intervals.enclosures import Enclosed
from verify.intervals.form_pairs import EnclosedForms
from verify.intervals.matrix_products import Products
from verify.intervals.midpoint_radius import pairs
from verify.intervals.rounded_pairs import RoundedPairs
from verify.intervals.tangents import Tangents

__all__ = ["Contraction", "Enclosed", "EnclosedForms", "Products", "RoundedPairs", "Tangents", "pairs"]
