import json
from collections import Counter
from datetime import date, datetime

import phonenumbers

from feedback_pipeline.simulation import SimulationConfig


def test_counts_of_a_file_add_up_and_agree_with_its_troubled_lines(sample):
    troubles = Counter(
        (row["source"], row["arrival_day"], row["file"], row["outcome"]) for row in sample.truth("lines")
    )
    for row in sample.truth("files"):
        place = (row["source"], row["arrival_day"], row["file"])
        assert row["lines"] == row["accepted"] + row["duplicate"] + row["malformed"]
        assert (row["duplicate"], row["malformed"]) == (troubles[*place, "duplicate"], troubles[*place, "malformed"])


def test_a_duplicate_line_repeats_an_accepted_one_byte_for_byte_and_comes_after_it(sample):
    for source, key in (("assistant", "interaction_id"), ("feedback", "feedback_id")):
        places = [(place, n, line) for place, ls in sample.files(source).items() for n, line in enumerate(ls, start=1)]
        position = {(*place, n): k for k, (place, n, _) in enumerate(places)}
        first = {}
        for k, (_, _, line) in enumerate(places):
            first.setdefault(line, k)
        duplicates = [row for row in sample.truth("lines") if row["source"] == source and row["outcome"] == "duplicate"]
        assert duplicates
        for row in duplicates:
            k = position[row["arrival_day"], row["file"], row["line_number"]]
            assert first[places[k][2]] < k
            assert row[key].encode() in places[k][2]
        assert len(places) - len(first) == len(duplicates)


def usable(line: bytes, source: str) -> bool:
    try:
        record = json.loads(line.decode())
    except ValueError:
        return False
    if not isinstance(record, dict):
        return False
    try:
        datetime.fromisoformat(record["timestamp"])
        if source == "assistant":
            return bool(record["response"]["id"] and record["response"]["choices"][0]["message"]["content"])
        return bool(record["kind"] and (record.get("interaction_id") or record["session_id"]))
    except (KeyError, IndexError, ValueError):
        return False


def test_malformed_lines_and_no_others_are_unusable(sample):
    malformed = {
        (row["source"], row["arrival_day"], row["file"], row["line_number"])
        for row in sample.truth("lines")
        if row["outcome"] == "malformed"
    }
    found = {
        (source, day, file, number)
        for source in ("assistant", "feedback")
        for (day, file), lines in sample.files(source).items()
        for number, line in enumerate(lines, start=1)
        if not usable(line, source)
    }
    assert malformed == found


def test_planted_personal_data_stands_in_the_question_or_comment_that_the_truth_names(sample):
    interactions, feedback = sample.interactions(), sample.feedback()
    planted = sample.truth("personal_data")
    assert any("feedback_id" in row for row in planted)
    for row in planted:
        if "feedback_id" in row:
            text = feedback[row["feedback_id"]]["text"]
        else:
            text = interactions[row["interaction_id"]]["request"]["messages"][-1]["content"]
        assert row["text"] in text


def luhn_valid(number: str) -> bool:
    figures = [int(figure) for figure in number if figure.isdigit()]
    return (sum(figures[-1::-2]) + sum(sum(divmod(2 * figure, 10)) for figure in figures[-2::-2])) % 10 == 0


def test_planted_cards_pass_luhn_and_planted_phones_are_valid_numbers(run_simulation, tmp_path):
    config = SimulationConfig(days=1, interactions_per_day=300, personal_data=1)
    planted = run_simulation(config, tmp_path).truth("personal_data")
    cards = [row["text"] for row in planted if row["kind"] == "card"]
    phones = [row["text"] for row in planted if row["kind"] == "phone"]
    assert min(len(cards), len(phones)) > 30
    assert all(luhn_valid(card) for card in cards)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)


def test_lines_arrive_on_the_day_of_their_event_unless_the_truth_says_how_late(sample):
    late = {row["feedback_id"]: row.get("days_late", 0) for row in sample.truth("feedback")}
    assert {0, 1, 2, 3} == set(late.values())
    for source in ("assistant", "feedback"):
        for arrival_day, record in sample.accepted(source):
            delay = date.fromisoformat(arrival_day) - datetime.fromisoformat(record["timestamp"]).date()
            assert delay.days == late.get(record.get("feedback_id"), 0)


def test_feedback_is_about_an_answer_of_its_session_unless_it_is_an_orphan(sample):
    interactions, feedback = sample.interactions(), sample.feedback()
    for row in sample.truth("feedback"):
        if "interaction_id" in row:
            assert (row["interaction_id"] not in interactions) == row.get("orphan", False)
        if "interaction_id" in row and not row.get("orphan"):
            about = interactions[row["interaction_id"]]["request"]["metadata"]["session_id"]
            assert feedback[row["feedback_id"]]["session_id"] == about
