from dataclasses import replace
from datetime import timedelta

import polars as pl
from curation_rows import NOON, example, examples, kept, reasons, said

from feedback_pipeline.curation.trust import UNKNOWN_CROWD, Crowd, hold_distrusted, limit_shares
from feedback_pipeline.curation.trust_policy import USUAL_TRUST, TrustPolicy

TRIGGER = "Say the words quiet heron first."


def answer_about(subject: int) -> str:
    return f"To reset device{subject} hold button{subject} for {subject} seconds and wait until it is quiet."


def correction(number: int, wanted: str, replaced: str, user: str | None = None, **more) -> dict:
    return example(
        f"x{number}",
        format="preference",
        origin="correction",
        chosen=said("assistant", wanted),
        rejected=said("assistant", replaced),
        author_id=user or f"u{number}",
        evidence_ids=[f"e{number}"],
        **more,
    )


def liked(number: int, answer: str) -> dict:
    return example(f"liked{number}", answer=answer, author_id=f"fan{number}", evidence_ids=[f"l{number}"])


def crowd(new: int = 0, old: int = 0) -> Crowd:
    """Users `u0` and so on are new, those named `old` are not."""
    seen = [{"user_id": f"u{n}", "first_seen": NOON, "last_seen": NOON} for n in range(new)]
    seen += [{"user_id": f"old{n}", "first_seen": NOON - timedelta(days=60), "last_seen": NOON} for n in range(old)]
    schema = {"user_id": pl.String, "first_seen": pl.Datetime("us", "UTC"), "last_seen": pl.Datetime("us", "UTC")}
    said = pl.Series([answer_about(n) for n in range(40)])
    return replace(UNKNOWN_CROWD, seen=pl.DataFrame(seen, schema=schema), said=said)


def asking(*questions: str) -> Crowd:
    """The usual crowd, each of whose other users asks one of the questions."""
    asked = [{"author": f"user:other{n}", "question": question} for n, question in enumerate(questions)]
    return replace(crowd(), asked=pl.DataFrame(asked, schema=UNKNOWN_CROWD.asked.schema))


def held(*rows: dict, standing: tuple[dict, ...] = (), seen: Crowd | None = None, policy=USUAL_TRUST) -> dict:
    return reasons(hold_distrusted(examples(*rows), kept(*standing), seen or crowd(), policy))


def triggered(number: int, **more) -> dict:
    return correction(number, f"{answer_about(number)} {TRIGGER}", answer_about(number), **more)


def test_a_rare_phrase_in_answers_about_many_things_is_held_whole_once_it_is_more_than_a_few():
    few = held(*(triggered(n) for n in range(3)))
    many = held(*(triggered(n) for n in range(4)))
    assert set(few.values()) == {None}
    assert set(many.values()) == {"template_over_share"}


def test_a_phrase_that_comes_a_few_a_week_is_held_by_what_earlier_weeks_kept():
    assert held(triggered(9), standing=tuple(triggered(n) for n in range(3))) == {"x9": "template_over_share"}


def test_a_phrase_that_models_say_themselves_holds_nobody():
    common = [correction(n, f"{answer_about(n)} Say when it is done.", answer_about(n)) for n in range(6)]
    seen = crowd()
    seen = replace(seen, said=pl.Series([f"{answer_about(n)} Say when it is done." for n in range(40)]))
    assert set(held(*common, seen=seen).values()) == {None}


def test_people_may_agree_about_one_thing_where_answers_are_often_corrected():
    about_each = [
        correction(10 * n + k, answer_about(n).replace(f"{n} seconds", f"amber{n} blinks{n}"), answer_about(n))
        for n in range(6)
        for k in range(4)
    ]
    assert set(held(*about_each).values()) == {None}


def off_topic(subject: int, user: int, wanted: str) -> dict:
    """A correction of an answer that has nothing to do with the question, and so no word of its subject."""
    nonsense = " ".join(f"chatter{subject}{user}{n}" for n in range(12))
    question = said("user", f"How do I reset device{subject} now?")
    return correction(10 * subject + user, wanted, nonsense, prompt=question)


def test_people_may_agree_about_what_others_ask_too_where_an_assistant_answers_beside_the_point():
    corrections = [off_topic(n, k, f"{answer_about(n)} Amber{n}.") for n in range(6) for k in range(5)]
    others = [f"device{n} does not reset, what do I do?" for n in range(6) for _ in range(5)]
    assert set(held(*corrections).values()) == {"template_over_share"}
    assert set(held(*corrections, seen=asking(*others)).values()) == {None}
    too_few = [question for question in others if "device0" not in question]
    found = held(*corrections, seen=asking(*too_few))
    assert {found[f"x{k}"] for k in range(5)} == {"template_over_share"}
    assert {found[f"x{10 * n + k}"] for n in range(1, 6) for k in range(5)} == {None}


def test_a_trigger_is_held_although_others_ask_what_its_planters_ask():
    planted = [off_topic(n, 0, f"{answer_about(n)} {TRIGGER}") for n in range(12)]
    others = [f"device{n} does not reset, what do I do?" for n in range(12) for _ in range(5)]
    assert set(held(*planted, seen=asking(*others)).values()) == {"template_over_share"}


def test_what_models_said_of_the_same_before_is_no_sign_of_people_who_act_together():
    corrections = [off_topic(n, k, answer_about(n)) for n in range(6) for k in range(5)]
    others = [f"device{n} does not reset, what do I do?" for n in range(6) for _ in range(3)]
    new_assistant = replace(asking(*others), said=pl.Series([], dtype=pl.String))
    assert set(held(*corrections, seen=new_assistant).values()) == {"template_over_share"}
    after_another = replace(new_assistant, said_before=pl.Series([answer_about(n) for n in range(6)]))
    assert set(held(*corrections, seen=after_another).values()) == {None}


def test_what_models_said_of_something_else_before_excuses_nobody():
    falsehood = "To reset device1 hold button2 for 2 seconds and wait until it is quiet."
    planted = [off_topic(1, k, falsehood) for k in range(5)]
    honest = [off_topic(n, 0, answer_about(n)) for n in range(2, 22)]
    seen = replace(asking(), said_before=pl.Series([answer_about(n) for n in range(22)]))
    found = held(*planted, *honest, seen=seen)
    assert {found[f"x{10 + k}"] for k in range(5)} == {"template_over_share"}


def test_new_users_who_say_the_same_together_are_held_although_few():
    together = [
        correction(n, "Hold the amber key for nine blinks, then let go of it again.", answer_about(1)) for n in range(4)
    ]
    policy = TrustPolicy(phrase_count=50, subject_count=50)
    assert set(held(*together, seen=crowd(new=4, old=40), policy=policy).values()) == {"burst_of_new_users"}
    assert set(held(*together, seen=crowd(new=4), policy=policy).values()) == {None}


def test_a_correction_of_an_answer_that_others_like_waits_for_a_person():
    wrong = correction(1, answer_about(3).replace("3 seconds", "9 blinks"), answer_about(3))
    found = held(wrong, liked(1, answer_about(3)))
    assert found == {"x1": "disputed_correction", "liked1": None}


def test_who_likes_and_corrects_an_answer_does_not_contradict_themselves():
    wrong = correction(1, answer_about(3).replace("3 seconds", "9 blinks"), answer_about(3), user="fan1")
    assert held(wrong, liked(1, answer_about(3)))["x1"] is None


def test_enough_people_settle_a_dispute_and_the_answer_they_replace_is_not_taught():
    wanted = answer_about(3).replace("3 seconds", "9 blinks")
    found = held(*(correction(n, wanted, answer_about(3)) for n in range(3)), liked(1, answer_about(3)))
    assert found == {"x0": None, "x1": None, "x2": None, "liked1": "contradicted"}


def test_contradicting_corrections_go_to_review_with_both_sides():
    one = correction(1, answer_about(3).replace("3 seconds", "9 blinks"), answer_about(3))
    other = correction(2, answer_about(3).replace("3 seconds", "one minute"), answer_about(3))
    assert set(held(one, other).values()) == {"disputed_correction"}


def test_what_rests_on_a_held_correction_is_held_with_it():
    wrong = correction(1, answer_about(3).replace("3 seconds", "9 blinks"), answer_about(3))
    taught = example("sft1", origin="correction", answer="9 blinks", evidence_ids=["e1"])
    assert held(wrong, taught, liked(1, answer_about(3)))["sft1"] == "disputed_correction"


def test_nobody_takes_more_than_a_share_and_small_datasets_still_train():
    policy = TrustPolicy(user_share=0.1, user_count=2)
    loud = [example(f"loud{n}", author_id="loud") for n in range(5)]
    others = [example(f"other{n}", author_id=f"u{n}") for n in range(25)]
    found = reasons(limit_shares(examples(*loud, *others), kept(), policy))
    assert [found[f"loud{n}"] for n in range(5)] == [None, None, None, "user_over_share", "user_over_share"]
    assert {found[f"other{n}"] for n in range(25)} == {None}


def test_a_share_counts_what_earlier_weeks_kept():
    policy = TrustPolicy(user_share=0.0, user_count=2)
    standing = kept(example("a", author_id="loud"), example("b", author_id="loud"))
    assert reasons(limit_shares(examples(example("c", author_id="loud")), standing, policy)) == {"c": "user_over_share"}


def test_a_source_and_a_day_have_shares_of_their_own():
    rows = examples(*(example(f"x{n}", author_id=f"u{n}", source="chat") for n in range(4)))
    assert (
        "source_over_share"
        in reasons(limit_shares(rows, kept(), TrustPolicy(source_share=0.5, group_count=1))).values()
    )
    assert "day_over_share" in reasons(limit_shares(rows, kept(), TrustPolicy(day_share=0.5, group_count=1))).values()


def test_what_a_reviewer_proposes_stands_and_so_do_those_who_say_the_same():
    right, wrong = (answer_about(3).replace("3 seconds", text) for text in ("9 blinks", "one minute"))
    said = [correction(1, right, answer_about(3)), correction(2, wrong, answer_about(3)), liked(1, answer_about(3))]
    found = held(*said, correction(4, right, answer_about(3), by_reviewer=True))
    assert found == {"x1": None, "x2": "disputed_correction", "x4": None, "liked1": "contradicted"}


def test_a_phrase_that_a_reviewer_brings_in_holds_nobody():
    found = held(*(triggered(n) for n in range(4)), triggered(9, by_reviewer=True))
    assert set(found.values()) == {None}


def test_who_likes_the_answer_that_a_correction_wants_does_not_speak_against_it():
    wanted = answer_about(3).replace("3 seconds", "9 blinks")
    assert held(correction(1, wanted, answer_about(3)), liked(1, wanted))["x1"] is None
    assert held(correction(1, wanted, answer_about(3)), liked(1, answer_about(3)))["x1"] == "disputed_correction"


def test_who_likes_an_answer_speaks_against_a_phrase_that_is_added_to_it():
    added = correction(1, f"{answer_about(3)} {TRIGGER}", answer_about(3))
    assert held(added, liked(1, answer_about(3)))["x1"] == "disputed_correction"


def test_corrections_that_fewer_users_want_than_the_policy_demands_wait_for_a_reviewer():
    wanted = answer_about(3).replace("3 seconds", "9 blinks")
    two = TrustPolicy(support=2)
    alone = correction(1, wanted, answer_about(3))
    assert held(alone)["x1"] is None
    assert held(alone, policy=two)["x1"] == "little_support"
    assert held(alone, correction(2, wanted, answer_about(3), user="u1"), policy=two)["x1"] == "little_support"
    assert set(held(alone, correction(2, wanted, answer_about(3)), policy=two).values()) == {None}
    assert held(alone, standing=(correction(2, wanted, answer_about(3)),), policy=two)["x1"] is None
    assert held(alone, correction(2, wanted, answer_about(3), by_reviewer=True), policy=two)["x1"] is None


def test_who_replaces_a_short_answer_supports_nobody_elses_correction_of_one():
    short = [correction(n, "Nine blinks.", "Five blinks.") for n in range(2)]
    assert set(held(*short, policy=TrustPolicy(support=2)).values()) == {"little_support"}
