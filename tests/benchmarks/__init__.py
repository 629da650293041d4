"""Longer runs whose results are committed: trained weights, and the spread over seeds."""
