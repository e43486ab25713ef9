"""Reasons from words: which reason a comment or a corrective follow-up gives."""
