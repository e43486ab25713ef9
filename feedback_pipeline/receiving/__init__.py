"""Receiving: webhooks over HTTP, on disk in the landing zone before they are acknowledged."""
