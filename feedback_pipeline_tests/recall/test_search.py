import asyncio
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from exchange_rows import exchange, numbered
from hypothesis import given, settings
from hypothesis import strategies as st
from word_counts import WordCounts

from feedback_pipeline.recall.exchanges import EXCHANGES
from feedback_pipeline.recall.filters import Filters
from feedback_pipeline.recall.index import IndexMissingError, remove, upsert
from feedback_pipeline.recall.search import nearest, search


@pytest.fixture
def folder(tmp_path):
    rows = pl.concat(
        [
            exchange("near", "apples and pears", user_role="admin", kinds=["thumb", "correction"]),
            exchange("middle", "apples and nuts", environment="staging", categories=["unsafe", "other"]),
            exchange(
                "far",
                "quick brown foxes",
                kinds=["copy"],
                model_version="assistant-2",
                observed_at=datetime(2026, 1, 9, 8, tzinfo=UTC),
                as_of=date(2026, 1, 9),
            ),
        ]
    )
    upsert(tmp_path, rows, WordCounts(dimension=512))
    return tmp_path


def found(folder, where=None, k=10):
    return search(folder, WordCounts(dimension=512), "apples and pears", k, Filters(where=where))[
        "interaction_id"
    ].to_list()


def test_the_nearest_comes_first(folder):
    assert found(folder) == ["near", "middle", "far"]


def test_a_search_is_made_where_an_event_loop_runs_as_in_a_notebook(folder):
    async def cell():
        return found(folder)

    assert asyncio.run(cell()) == ["near", "middle", "far"]


def test_all_metadata_and_the_similarity_are_returned(folder):
    result = search(folder, WordCounts(dimension=512), "apples and pears")
    assert result.schema == EXCHANGES.schema | {"similarity": pl.Float32}
    assert result["similarity"].to_list() == [
        pytest.approx(1.0),
        pytest.approx(2 / 3, abs=0.01),
        pytest.approx(0, abs=0.1),
    ]
    assert result["kinds"].to_list()[0] == ["thumb", "correction"]


def test_k_bounds_the_result(folder):
    assert found(folder, k=1) == ["near"]


def test_the_filter_holds_before_the_k_nearest_are_chosen(folder):
    assert found(folder, "array_has(kinds, 'copy')", k=1) == ["far"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("user_role = 'admin'", ["near"]),
        ("array_has(kinds, 'thumb')", ["near", "middle"]),
        ("array_has_any(kinds, ['copy', 'correction'])", ["near", "far"]),
        ("array_has(categories, 'unsafe')", ["middle"]),
        ("array_length(kinds) > 1", ["near"]),
        ("model_version LIKE '%-2'", ["far"]),
        ("environment <> 'production'", ["middle"]),
        ("observed_at >= timestamp '2026-01-09T08:00:00Z'", ["far"]),
        ("observed_at >= timestamp '2026-01-09T08:00:01Z'", []),
        ("as_of < date '2026-01-09'", ["near", "middle"]),
        ("user_role = 'admin' OR environment = 'staging'", ["near", "middle"]),
        ("user_role = 'member' -- whoever", ["middle", "far"]),
    ],
)
def test_a_filter_keeps_what_it_names(folder, where, expected):
    assert found(folder, where) == expected


@pytest.mark.parametrize(
    "where",
    [
        "role = 'admin'",
        "user_role =",
        "user_role = 'admin' LIMIT 1",
        "user_role",
        "",
        "array_has(kinds, 3)",
        "nosuch(text)",
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused_naming_the_columns(folder, where):
    with pytest.raises(ValueError, match=r"cannot filter by .*columns: interaction_id .*user_role") as refusal:
        found(folder, where)
    assert "\n" not in str(refusal.value)
    assert ".rs:" not in str(refusal.value)


def test_fewer_than_one_result_is_refused(folder):
    with pytest.raises(ValueError, match="at least 1"):
        found(folder, k=0)


def test_a_filter_that_nothing_meets_gives_an_empty_frame(folder):
    result = search(folder, WordCounts(dimension=512), "apples", filters=Filters(user_role="nobody"))
    assert result.height == 0
    assert result.schema == EXCHANGES.schema | {"similarity": pl.Float32}


def test_the_search_is_exact(tmp_path):
    rows, encoder = numbered(0, 500), WordCounts(dimension=8)
    upsert(tmp_path, rows, encoder)
    similarities = encoder.encode(rows["text"].to_list()) @ encoder.encode(["question 7"])[0]
    result = search(tmp_path, encoder, "question 7", k=20)
    assert result["similarity"].to_list() == pytest.approx(sorted(similarities.tolist(), reverse=True)[:20], abs=1e-5)


def test_no_index_yet_is_said(tmp_path):
    with pytest.raises(IndexMissingError, match="no index"):
        search(tmp_path, WordCounts(), "anything")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(user_role="admin"), ["near"]),
        (Filters(environment="staging"), ["middle"]),
        (Filters(model_version="assistant-2"), ["far"]),
        (Filters(kinds=("copy", "correction")), ["near", "far"]),
        (Filters(categories=("unsafe",)), ["middle"]),
        (Filters(since=datetime(2026, 1, 9, 8)), ["far"]),
        (Filters(until=datetime(2026, 1, 9, 8, tzinfo=UTC)), ["near", "middle"]),
        (Filters(max_p_satisfied=0.5), []),
        (Filters(user_role="member", where="environment = 'staging' -- only there"), ["middle"]),
        (Filters(user_role="o'brien"), []),
        (Filters(language="en"), ["near"]),
        (Filters(min_confidence=0.8), ["middle"]),
        (Filters(session_since=datetime(2026, 1, 8)), ["far"]),
        (Filters(session_until=datetime(2026, 1, 8)), ["near"]),
    ],
)
def test_each_filter_lets_its_own_through(tmp_path, filters, expected):
    rows = pl.concat(
        [
            exchange(
                "near",
                "apples and pears",
                user_role="admin",
                kinds=["thumb", "correction"],
                language="en",
                session_started_at=datetime(2026, 1, 5, tzinfo=UTC),
            ),
            exchange("middle", "apples and nuts", environment="staging", categories=["unsafe"], confidence=0.9),
            exchange(
                "far",
                "quick brown foxes",
                kinds=["copy"],
                model_version="assistant-2",
                observed_at=datetime(2026, 1, 9, 8, tzinfo=UTC),
                session_started_at=datetime(2026, 1, 9, tzinfo=UTC),
            ),
        ]
    )
    encoder = WordCounts(dimension=512)
    upsert(tmp_path, rows, encoder)

    result = search(tmp_path, encoder, "apples and pears", filters=filters)

    assert result["interaction_id"].to_list() == expected


def test_words_find_what_contains_them_and_both_ranks_can_be_fused(folder):
    encoder = WordCounts(dimension=512)

    assert search(folder, encoder, "foxes", mode="words")["interaction_id"].to_list() == ["far"]
    assert search(folder, encoder, "nowhere said", mode="words").is_empty()
    assert search(folder, encoder, "apples and nuts", mode="hybrid")["interaction_id"][0] == "middle"


@pytest.mark.parametrize(
    ("asked", "expected"), [("密码", "zh"), ("リセット", "ja"), ("รหัสผ่าน", "th"), ("iPhone", "mixed"), ("uses", "en")]
)
def test_words_are_found_where_writing_has_no_spaces_between_them(tmp_path, asked, expected):
    texts = {
        "zh": "如何重置我的支付密码？",
        "ja": "設定をリセットするにはどうすればいいですか",
        "th": "ฉันลืมรหัสผ่านได้อย่างไร",
        "mixed": "我的iPhone怎么退货",
        "en": "a user_name is used",
    }
    upsert(tmp_path, pl.concat([exchange(key, text) for key, text in texts.items()]), WordCounts())
    assert search(tmp_path, WordCounts(), asked, mode="words")["interaction_id"].to_list() == [expected]


def test_more_like_an_interaction_leaves_itself_out(folder):
    encoder = WordCounts(dimension=512)

    assert search(folder, encoder, like="near", k=1)["interaction_id"].to_list() == ["middle"]
    with pytest.raises(LookupError, match="no exchange 'nobody'"):
        search(folder, encoder, like="nobody")
    with pytest.raises(ValueError, match="either a text or an interaction"):
        search(folder, encoder, "apples", like="near")


def test_a_session_gives_its_best_exchange_and_counts_the_others(tmp_path):
    encoder = WordCounts(dimension=512)
    rows = [exchange(str(n), "apples" + " pears" * n, session_id="long" if n < 3 else "short") for n in range(4)]
    upsert(tmp_path, pl.concat(rows), encoder)

    result = search(tmp_path, encoder, "apples", by_session=True)

    assert result.select("interaction_id", "session_id", "in_session").rows() == [("0", "long", 3), ("3", "short", 1)]


@given(seed=st.integers(0, 999), k=st.integers(1, 12), rows=st.integers(1, 40))
@settings(max_examples=10)
def test_many_questions_at_once_find_what_each_finds_alone(seed, k, rows):
    encoder = WordCounts(dimension=16)
    texts = [f"word{(seed * n) % 17} and {n}" for n in range(rows)]
    with tempfile.TemporaryDirectory() as folder:
        upsert(Path(folder), pl.concat([exchange(str(n), text) for n, text in enumerate(texts)]), encoder)
        vectors = encoder.encode(texts[:3])
        found = nearest(Path(folder), encoder, vectors, k)

    stored = encoder.encode(texts)
    for vector, ids in zip(vectors, found, strict=True):
        similarity = stored @ vector
        assert len(ids) == len(set(ids)) == min(k, rows)
        assert similarity[[int(place) for place in ids]] == pytest.approx(np.sort(similarity)[::-1][:k], abs=1e-5)


def test_many_questions_do_not_find_what_was_taken_out_and_find_what_was_changed(folder):
    encoder = WordCounts(dimension=512)
    upsert(folder, exchange("far", "ripe pears", as_of=date(2026, 1, 10)), encoder)
    remove(folder, ["near"], encoder)

    found = nearest(folder, encoder, encoder.encode(["pears", "apples and nuts", "quick brown foxes"]), k=1)

    assert found[:2] == [["far"], ["middle"]]
    assert "near" not in found[2]


def test_no_question_and_no_exchange_find_nothing(tmp_path):
    encoder = WordCounts(dimension=512)
    upsert(tmp_path, exchange("only", "apples"), encoder)

    assert nearest(tmp_path, encoder, encoder.encode([]), k=3) == []
    remove(tmp_path, ["only"], encoder)
    assert nearest(tmp_path, encoder, encoder.encode(["apples"]), k=3) == [[]]


def test_fewer_than_one_result_for_each_of_many_questions_is_refused(folder):
    encoder = WordCounts(dimension=512)

    with pytest.raises(ValueError, match="at least 1"):
        nearest(folder, encoder, encoder.encode(["apples"]), k=0)
