"""Claims as people write them: a table, a sentence, a literal with its digits."""
