"""How sure the gate must be, and how much a candidate may lose."""

from dataclasses import dataclass, field

from feedback_pipeline.evaluation.error_budget import ErrorBudget


@dataclass(frozen=True)
class GatePolicy:
    """How sure the gate must be. Margins are in accuracy (0.10 is one answer in ten), but for nats a token."""

    confidence_level: float = 0.95
    resamples: int = 10_000
    seed: int = 7
    min_clusters: int = 10
    # The whole interval must lie within a margin, and a few dozen cases leave it about 0.05 to either
    # side: these are the smallest margins that a candidate which changed nothing can be shown to keep.
    # What is lost in truth must so be well below one answer in ten.
    choice_margin: float = 0.10
    preference_margin: float = 0.10
    general_margin: float = 0.10
    # A third of what the embedded base model tells wanted answers from others by.
    discrimination_margin_nats: float = 0.35
    budget: ErrorBudget = field(default_factory=ErrorBudget)
