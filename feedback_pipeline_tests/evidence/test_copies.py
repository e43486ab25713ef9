"""How much of an answer was copied."""

import polars as pl
import pytest

from feedback_pipeline.evidence.explicit import explicit_evidence

ANSWER = "Use a loop:\n\n```python\nfor item in items:\n    print(item)\n```\n\nIt prints every item of the list."


@pytest.mark.parametrize(
    ("copied", "extent"),
    [
        (ANSWER, "whole"),
        (ANSWER.replace("```python", "").replace("```", ""), "whole"),
        ("for item in items:\n    print(item)", "code_block"),
        ("```python\nfor item in items:\n    print(item)\n```", "code_block"),
        ("print(item)", "code_block"),
        ("It prints every item", "part"),
    ],
)
def test_a_copy_is_of_the_whole_answer_of_a_block_of_code_or_of_a_part(interactions, feedback, copied, extent):
    evidence = explicit_evidence(feedback({"kind": "copy", "text": copied}), interactions({"response": ANSWER}))

    assert evidence.select("kind", "extent").rows() == [("copy", extent)]


def test_a_copy_without_its_text_or_its_answer_has_no_extent(interactions, feedback):
    copies = feedback({"kind": "copy"}, {"kind": "copy", "text": "x", "interaction_id": "elsewhere"})

    evidence = explicit_evidence(copies, interactions({"response": ANSWER}))

    assert evidence["extent"].to_list() == [None, None]
    assert evidence.schema["extent"] == pl.String
