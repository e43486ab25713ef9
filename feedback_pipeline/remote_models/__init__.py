"""Language models behind OpenAI-compatible endpoints: what is asked, within a budget, and once ever."""
