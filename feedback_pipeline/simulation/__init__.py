"""An invented company's assistant and its users: sample logs and load, with the truth beside them."""

from feedback_pipeline.simulation.config import SimulationConfig, SimulationSummary
from feedback_pipeline.simulation.spoken import Spoken, speak
from feedback_pipeline.simulation.writer import simulate

__all__ = ["SimulationConfig", "SimulationSummary", "Spoken", "simulate", "speak"]
