"""Themes: recurring problems that keep their identity from night to night."""
