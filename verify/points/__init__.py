"""Points at which a claimed formula is tried: one's own, small whole numbers, random ones, and one in every case."""
