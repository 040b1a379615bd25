"""Logs of trainers: what their numbers mean, as rules, and the claims that a log makes by them."""
