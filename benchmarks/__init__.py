"""One script a stage, each against what a user would pick instead: `python -m benchmarks.<name>`."""
