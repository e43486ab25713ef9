"""Is the candidate better? Suites, scores, paired statistics, the gate, the registry."""
