"""Everything Dagster runs: what `defs/` says, and what holds for all of it."""

from pathlib import Path

import dagster as dg

# One process a run: each step would otherwise spend seconds importing what the one before imported.
defs = dg.Definitions.merge(
    dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
    dg.Definitions(executor=dg.in_process_executor),
)
