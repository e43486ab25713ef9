import polars as pl
import pytest

from feedback_pipeline.routing.policy import route
from feedback_pipeline.schemas import VERDICTS

GOOD = {"p_satisfied": 0.92, "p_trusted": 0.92, "n_explicit": 1}
BAD = {"p_satisfied": 0.08, "p_trusted": 0.08, "n_explicit": 1}
CHOSEN = {"p_satisfied": 0.75, "p_trusted": 0.75, "n_explicit": 1, "n_preferred": 1}


@pytest.mark.parametrize(
    ("verdict", "destination"),
    [
        (GOOD, "training"),
        (BAD, "training"),
        (GOOD | {"n_explicit": 0}, "neither"),
        (CHOSEN, "training"),
        (CHOSEN | {"n_preferred": 0}, "neither"),
        (CHOSEN | {"conflict": True}, "review"),
        (CHOSEN | {"dominant_reason": "unsafe"}, "review"),
        ({"p_satisfied": 0.7, "n_explicit": 1}, "neither"),
        (GOOD | {"p_trusted": 0.8}, "review"),
        (BAD | {"p_trusted": 0.2}, "review"),
        (BAD | {"correction_id": "c"}, "training"),
        (GOOD | {"correction_id": "c"}, "review"),
        (BAD | {"conflict": True}, "review"),
        (BAD | {"conflict": True, "correction_id": "c"}, "training"),
        (BAD | {"dominant_reason": "unsafe"}, "review"),
        (BAD | {"dominant_reason": "product_issue"}, "neither"),
    ],
)
def test_the_first_rule_that_speaks_decides(verdict, destination):
    frame = VERDICTS.conform(pl.DataFrame([{"interaction_id": "i", "conflict": False} | verdict]))

    routed = route(frame, pl.DataFrame({"interaction_id": ["i"]}))

    assert routed["destination"].to_list() == [destination]
    assert routed["reason"].null_count() == 0


def test_a_verdict_on_an_answer_that_never_arrived_goes_nowhere():
    frame = VERDICTS.conform(pl.DataFrame([{"interaction_id": "i", "conflict": False} | GOOD]))

    routed = route(frame, pl.DataFrame({"interaction_id": ["j"]}))

    assert routed.select("destination", "reason").row(0) == ("neither", "the interaction has not arrived")
