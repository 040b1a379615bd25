"""In which order the terms of a sum are added, and what the rounding of its partial sums can come to."""
