"""Tables of the web UI."""

import polars as pl

from feedback_pipeline.defs.metadata import markdown_table


def test_a_hash_is_cut_where_it_would_push_its_table_over_the_pages_edge_and_an_id_is_not():
    identifier, sha256 = "user:" + "a" * 37, "b" * 64

    table = markdown_table(pl.DataFrame({"id": [identifier], "hash": [sha256]}))

    assert table.splitlines()[-1] == f"| {identifier} | {'b' * 44}… |"


def test_a_long_text_is_cut_where_it_is_told_to_be():
    table = markdown_table(pl.DataFrame({"said": ["word " * 100]}), characters=20)

    assert table.splitlines()[-1] == "| word word word word… |"
