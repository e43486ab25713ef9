"""A warehouse goes on with what an older version left of it."""

from datetime import date

import duckdb
import polars as pl
import pytest

from feedback_pipeline.schemas import INTERACTIONS, THEMES
from feedback_pipeline.warehouse import Warehouse

DAY = date(2026, 1, 5)


@pytest.fixture
def older(tmp_path):
    """A warehouse of a version that had no column for the question, and no themes."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    rows = INTERACTIONS.conform(pl.DataFrame({"interaction_id": ["a"], "arrival_day": [DAY], "question": ["Why?"]}))
    warehouse.replace_partition(INTERACTIONS, DAY, rows)
    with warehouse.transaction() as connection:
        connection.execute("ALTER TABLE interactions DROP COLUMN question")
        connection.execute("DROP TABLE themes")
    return warehouse


def test_what_an_older_version_lacked_can_be_asked_for(older):
    assert older.read("SELECT interaction_id, question FROM interactions").rows() == [("a", None)]
    assert older.partitions(THEMES, [DAY]).is_empty()


def test_what_no_version_has_is_an_error_all_the_same(older):
    with pytest.raises(duckdb.BinderException, match="no_such_column"):
        older.read("SELECT no_such_column FROM interactions")
    with pytest.raises(duckdb.CatalogException, match="no_such_table"):
        older.read("SELECT * FROM no_such_table")
