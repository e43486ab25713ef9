"""Resources: the settings of the deployment and the warehouse they point to."""

import dagster as dg

from feedback_pipeline.defs.io_manager import WarehouseIOManager
from feedback_pipeline.defs.store import Store


@dg.definitions
def resources() -> dg.Definitions:
    """What assets and checks ask for by name."""
    return dg.Definitions(resources={"store": Store(), "io_manager": WarehouseIOManager()})
