"""The equations on numbers of any system, step by step; PyTorch is never seen here."""
