import pytest

from feedback_pipeline.evaluation.policy import GatePolicy, read_policy
from feedback_pipeline.policy_file import PolicyError


def test_without_a_file_the_policy_is_the_usual_one(tmp_path):
    assert read_policy(tmp_path) == GatePolicy()


def test_a_run_overrules_the_file_and_the_file_the_usual(tmp_path):
    (tmp_path / "gate.yaml").write_text("general_margin: 0.05\nbudget: {alpha: 0.01}\nneeds_approval: true\n")

    policy = read_policy(tmp_path, {"needs_approval": False})

    assert (policy.general_margin, policy.budget.alpha, policy.needs_approval) == (0.05, 0.01, False)
    assert policy.budget.days == 365


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("genral_margin: 0.05", "genral_margin: unknown field; known are confidence_level, resamples, seed,"),
        ("general_margin: -1", "general_margin: -1 is not above 0"),
        ("general_margin: much", "general_margin: a number is needed, not 'much'"),
        ("confidence_level: 1", "confidence_level: 1 is not below 1"),
        ("resamples: 10", "resamples: 10 is below 1000"),
        ("answers: 1.5", "answers: a whole number is needed, not 1.5"),
        ("budget: {alfa: 0.1}", "budget.alfa: unknown field; known are"),
        ("seed: 1\nseed: 2", "`seed` is given twice, the second time in line 2"),
        ("- 1", "fields and values are needed, not [1]"),
        ("a: [", "expected the node content"),
    ],
)
def test_a_policy_that_cannot_be_read_is_an_error_that_names_file_and_field(tmp_path, text, told):
    (tmp_path / "gate.yaml").write_text(text)

    with pytest.raises(PolicyError, match=r"gate\.yaml") as error:
        read_policy(tmp_path)
    assert told in str(error.value)


def test_a_run_that_says_what_no_policy_can_is_an_error_of_the_run(tmp_path):
    (tmp_path / "gate.yaml").write_text("# the usual\n")

    with pytest.raises(PolicyError, match=r"^the run: choice_margin: 0 is not above 0\.0$"):
        read_policy(tmp_path, {"choice_margin": 0})
