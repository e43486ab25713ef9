"""Wire formats: each turns frames of JSON lines into interactions and feedback events."""
