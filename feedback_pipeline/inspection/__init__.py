"""Read-only views for people: the state of the whole, and the story of one session."""
