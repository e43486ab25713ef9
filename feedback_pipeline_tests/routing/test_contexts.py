"""System contexts are told apart by what they say, and not by the day they say it is."""

import duckdb
import pytest

from feedback_pipeline.routing.themes.contexts import fingerprint


def of(context: str | None) -> str | None:
    return duckdb.execute(
        f"SELECT {fingerprint('context')} FROM (SELECT $1::VARCHAR AS context)", [context]
    ).fetchone()[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Today is 2026-01-05. Be brief.", "Today is 2026-12-31. Be brief."),
        ("It is 2026-01-05T09:30:00Z. Be brief.", "It is 2026-01-06 17:05:12.250+02:00. Be brief."),
        ("Current date: Monday, January 5, 2026.", "Current date: Thursday, December 31, 2026."),
        ("Current date: 5 January 2026", "Current date: 31st of May, 2026"),
        ("It is 9:30 am on 01/05/2026", "It is 12:05 PM on 12/31/2026"),
        ("Today: 5.1.26", "Today: 31.12.26"),
        ("今天是2026年1月5日。", "今天是2026年12月31日。"),
        ("Knowledge cutoff: Oct 2023. Today: Jan 5 2026", "Knowledge cutoff: Oct 2023. Today: Sep 30 2026"),
    ],
)
def test_contexts_that_differ_in_the_date_alone_are_the_same(one, other):
    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Answer in 2 sentences.", "Answer in 5 sentences."),
        ("You are version 1.2.", "You are version 1.3."),
        ("Today is 2026-01-05. Be brief.", "Today is 2026-01-05. Be kind."),
        ("Mayor Summers answers.", "Major Summers answers."),
    ],
)
def test_contexts_that_say_something_else_are_not(one, other):
    assert of(one) != of(other)


@pytest.mark.parametrize("context", [None, ""])
def test_no_context_has_no_fingerprint(context):
    assert of(context) is None
