"""Custom logs by declaration: `declaration` is the language, `compiler` makes it a function of a record."""
