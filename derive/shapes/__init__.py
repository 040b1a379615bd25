"""Shapes of equations that declare none: read off indices, operations, and what names mean in books."""
