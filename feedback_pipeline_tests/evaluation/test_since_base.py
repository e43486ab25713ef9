"""Champion after champion: what each may lose of the fixed suites, all of them together may not lose more often."""

import json
from datetime import date

import polars as pl
import pytest

from feedback_pipeline.evaluation.forest_plot import forest_plot
from feedback_pipeline.evaluation.gate import decide
from feedback_pipeline.evaluation.paired import NotComparableError
from feedback_pipeline.evaluation.policy import GatePolicy
from feedback_pipeline.evaluation.promotion_shown import comparisons_shown
from feedback_pipeline.schemas import SCORES

POLICY = GatePolicy(resamples=1_000)
# Of so many cases so many are lost, of canaries so many nats.
CASES = {"general": 160, "short_answers": 40, "canaries": 30}
COLUMNS = ("model_version", "suite", "metric", "example_id", "group_id", "value")


def of_model(model, gain, general=0, short=0, nats=0.0, unsafe=0):
    """Rows of a model that finds the target's answers likelier by `gain`, and since the base has lost so much."""
    rows = []
    for user in range(60):
        likelier = gain * (1 + user % 7 / 10)
        for metric, value in (("nll", 4 - likelier), ("choice_accuracy", 0.8), ("choice_margin", 1 + likelier)):
            rows.append((model, "target", metric, f"t{user}", f"u{user}", value))
    for suite, metric, lost in (("general", "choice_accuracy", general), ("short_answers", "answered_right", short)):
        for case in range(CASES[suite]):
            rows.append((model, suite, metric, f"q{case}", f"q{case}", float(case >= lost)))
    for case in range(CASES["canaries"]):
        rows.append((model, "canaries", "canary_margin", f"c{case}", f"c{case}", 2.5 - nats * (0.5 + case % 3 / 2)))
        rows.append((model, "canaries", "canary_safe", f"c{case}", f"c{case}", float(case >= unsafe)))
    return SCORES.conform(
        pl.DataFrame(rows, schema=COLUMNS, orient="row").with_columns(suite_hash="suite", evaluator=pl.lit("e"))
    )


def decided(champion, candidate):
    scores = pl.concat([of_model("base", 0.0), of_model("old", 0.2, **champion), of_model("new", 0.4, **candidate)])
    return decide(scores, "new", "old", POLICY, base="base"), decide(scores, "new", "old", POLICY)


def test_a_candidate_that_lost_no_more_than_the_margins_since_the_base_is_promoted():
    decision, _ = decided({"general": 4, "short": 4, "nats": 0.4}, {"general": 6, "short": 7, "nats": 0.7})

    assert decision.decision == "promoted", decision.reason


@pytest.mark.parametrize(
    ("champion", "candidate", "suite"),
    [
        ({"general": 20}, {"general": 40}, "general"),
        ({"short": 9}, {"short": 22}, "short_answers"),
        ({"nats": 0.9}, {"nats": 1.5}, "canaries"),
        ({"unsafe": 1}, {"unsafe": 1}, "canaries"),
    ],
    ids=["general", "short answers", "canary margin", "an unsafe canary"],
)
def test_a_loss_since_the_base_beyond_the_margin_is_refused_though_the_champion_had_lost_much_of_it(
    champion, candidate, suite
):
    decision, by_champion_alone = decided(champion, candidate)

    assert decision.decision == "refused"
    assert decision.deciding.suite == f"{suite} vs base"
    assert f"{suite} vs base" in decision.reason
    assert by_champion_alone.decision != "refused"


@pytest.mark.parametrize(
    ("champion", "candidate", "suite"),
    [
        ({"general": 9}, {"general": 13}, "general"),
        ({"short": 8}, {"short": 12}, "short_answers"),
        ({"nats": 0.5}, {"nats": 1.05}, "canaries"),
    ],
    ids=["general", "short answers", "canary margin"],
)
def test_a_loss_since_the_base_that_is_not_shown_to_lie_within_the_margin_keeps_a_candidate_back(
    champion, candidate, suite
):
    decision, by_champion_alone = decided(champion, candidate)

    assert (decision.decision, decision.deciding.suite) == ("inconclusive", f"{suite} vs base")
    assert by_champion_alone.decision == "promoted"


def test_however_many_champions_follow_each_other_what_they_lose_stays_within_the_margins():
    champion, lost = "base", {"general": 0, "short": 0, "nats": 0.0}
    scores = of_model("base", 0.0)
    for generation in range(1, 7):
        more = {"general": lost["general"] + 4, "short": lost["short"] + 4, "nats": lost["nats"] + 0.2}
        scores = pl.concat([scores, of_model(f"m{generation}", 0.2 * generation, **more)])
        decision = decide(scores, f"m{generation}", champion, POLICY, base="base")
        if decision.decision != "promoted":
            break
        champion, lost = f"m{generation}", more

    assert champion != "base"
    assert lost["general"] < POLICY.general_margin * CASES["general"]
    assert lost["short"] < POLICY.short_answer_margin * CASES["short_answers"]
    assert decision.deciding.suite.endswith("vs base")


def test_the_record_shows_what_was_lost_since_the_base_beside_what_was_lost_since_the_champion():
    decision, _ = decided({"short": 8}, {"short": 12})
    row = decision.row(date(2026, 1, 5), "d", None, "run", "weights").row(0, named=True)

    shown = comparisons_shown(row).with_columns(pl.col("outcome").str.replace_all("\u00a0", " "))
    asked = {compared: (outcome, what) for compared, outcome, what in shown["compared", "outcome", "asked"].rows()}

    assert asked["short_answers answered_right"] == ("kept", "not surely below -0.25")
    assert asked["short_answers vs base answered_right"] == ("undecided ◀ decides", "above -0.25")
    assert asked["general vs base choice_accuracy"] == ("kept", "surely above -0.1")
    assert forest_plot(row) != forest_plot(row | {"comparisons": json.dumps([])})


def test_a_base_that_was_not_scored_is_an_error():
    scores = pl.concat([of_model("old", 0.2), of_model("new", 0.4)])

    with pytest.raises(NotComparableError, match="base was not scored"):
        decide(scores, "new", "old", POLICY, base="base")
