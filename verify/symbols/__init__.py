"""One entry of a formula as an exact number, or as a fraction in symbols."""
