"""From what users do about an LLM's answers to a better model, as Dagster assets."""
