"""Adapters for logs whose shape a mapping cannot say."""
