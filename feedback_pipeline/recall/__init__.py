"""Recall: exchanges that drew evidence, found again by meaning and filtered by their metadata."""
