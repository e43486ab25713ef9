"""An exchange whose evidence was all withdrawn is not found any more, whichever day runs again."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from word_counts import WordCounts

from feedback_pipeline.recall.index import open_index, remove, upsert
from feedback_pipeline.recall.inputs import exchanges_judged_on, withdrawn_on
from feedback_pipeline.schemas import EVIDENCE, INTERACTIONS, VERDICTS
from feedback_pipeline.warehouse import Warehouse

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
ENCODER = WordCounts()


@pytest.fixture
def warehouse(tmp_path):
    """Two answers with a thumb each on Monday; on Tuesday that of `b` turns out to be none."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    answered = datetime(2026, 1, 5, 12, tzinfo=UTC)
    answers = pl.DataFrame({"interaction_id": ["a", "b"], "session_id": ["s", "s"], "response": ["seven", "eight"]})
    evidence = pl.DataFrame({"evidence_id": ["ea", "eb"], "interaction_id": ["a", "b"], "kind": "thumb"})
    judged = pl.DataFrame({"interaction_id": ["a", "b"], "evidence_ids": [["ea"], ["eb"]], "as_of": MONDAY})
    for table, day, rows in (
        (INTERACTIONS, MONDAY, answers.with_columns(observed_at=pl.lit(answered), event_id="interaction_id")),
        (EVIDENCE, MONDAY, evidence.with_columns(withdrawn=pl.lit(False))),
        (EVIDENCE, TUESDAY, evidence.filter(evidence_id="eb").with_columns(withdrawn=pl.lit(True))),
        (VERDICTS, MONDAY, judged),
        (VERDICTS, TUESDAY, pl.DataFrame({"interaction_id": ["b"], "evidence_ids": [[]], "as_of": TUESDAY})),
    ):
        dated = rows if "as_of" in rows.columns else rows.with_columns(arrival_day=pl.lit(day))
        warehouse.replace_partition(table, day, table.conform(dated))
    return warehouse


@pytest.mark.parametrize("days", [[MONDAY, TUESDAY], [MONDAY, TUESDAY, MONDAY], [TUESDAY, MONDAY, TUESDAY]])
def test_only_what_still_has_evidence_stands_in_the_index_in_whatever_order_days_run(tmp_path, warehouse, days):
    for day in days:
        upsert(tmp_path / "index", exchanges_judged_on(warehouse, day), ENCODER)
        remove(tmp_path / "index", withdrawn_on(warehouse, day), ENCODER)

    assert open_index(tmp_path / "index", ENCODER).to_arrow()["interaction_id"].to_pylist() == ["a"]


def test_removing_says_how_many_there_were(tmp_path, warehouse):
    verdicts = warehouse.partitions(VERDICTS, [TUESDAY])
    warehouse.replace_partition(VERDICTS, TUESDAY, verdicts.clear())
    upsert(tmp_path / "index", exchanges_judged_on(warehouse, MONDAY), ENCODER)

    assert remove(tmp_path / "index", ["b", "it's not there"], ENCODER) == 1
    assert remove(tmp_path / "index", [], ENCODER) == 0
