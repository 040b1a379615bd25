"""Every claim judged: right, residue, inherited or wrong."""
