"""Tables of the web UI."""

import polars as pl
import pytest

from feedback_pipeline.defs.metadata import markdown_table


def test_a_hash_is_cut_where_it_would_push_its_table_over_the_pages_edge_and_an_id_is_not():
    identifier, sha256 = "user:" + "a" * 37, "b" * 64

    table = markdown_table(pl.DataFrame({"id": [identifier], "hash": [sha256]}))

    assert table.splitlines()[-1] == f"| {identifier} | {'b' * 44}… |"


def test_a_long_text_is_cut_where_it_is_told_to_be():
    table = markdown_table(pl.DataFrame({"said": ["word " * 100]}), characters=20)

    assert table.splitlines()[-1] == "| word word word word… |"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("![me](https://example.org/seen.png)", "![me]\\(https://example.org/seen.png)"),
        ("see [here](https://example.org)", "see [here]\\(https://example.org)"),
        ('<img src="https://example.org/seen.png"/>', '&lt;img src="https://example.org/seen.png"/>'),
        ("a</td><!-- -->b", "a&lt;/td>&lt;!-- -->b"),
        ("<EMAIL_1> and 3 < 4", "<EMAIL_1> and 3 < 4"),
    ],
)
def test_what_users_wrote_is_shown_and_not_obeyed(said, shown):
    assert markdown_table(pl.DataFrame({"said": [said]})).splitlines()[-1] == f"| {shown} |"
