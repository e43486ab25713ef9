"""Who is behind what: from an example back to its lines, and from a line, file or user on to the models."""
