"""The resource through which assets reach what is stored."""

import dagster as dg

from feedback_pipeline.settings import Settings
from feedback_pipeline.warehouse import Warehouse


class Store(dg.ConfigurableResource[None]):
    """Folders and warehouse of the deployment, as its environment says when the run starts."""

    @property
    def settings(self) -> Settings:
        """Where things live and which models are used."""
        return Settings.from_environment()

    @property
    def warehouse(self) -> Warehouse:
        """The DuckDB warehouse."""
        return Warehouse(self.settings.warehouse)
