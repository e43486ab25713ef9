"""The only Dagster code: one file a stage, plus partitions, resources, the IO manager and automation."""
