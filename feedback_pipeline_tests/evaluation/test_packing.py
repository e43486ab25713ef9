import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evaluation.packing import PADDING, PROMPT, Tokenized, attention, batches, padded, rows

TOKENS = st.lists(st.integers(1, 5), min_size=1, max_size=6)
TEXTS = st.lists(st.builds(lambda prompt, answer: Tokenized(prompt + answer, len(prompt)), TOKENS, TOKENS), max_size=8)


@given(TEXTS, st.booleans())
def test_every_answer_is_predicted_once_token_by_token_from_what_precedes_it(texts: list[Tokenized], share: bool):
    predicted: dict[int, list[int]] = {index: [] for index in range(len(texts))}
    for row in rows(texts, share):
        for source, target, owner in zip(row.sources, row.targets, row.owners, strict=True):
            seen = _seen_from(row.branches, source)
            context = [row.tokens[index] for index in seen]
            answered = predicted[owner]
            text = texts[owner]
            assert context == text.tokens[: text.answer + len(answered)]
            assert [row.positions[index] for index in seen] == list(range(len(context)))
            answered.append(target)
    assert list(predicted.values()) == [text.tokens[text.answer :] for text in texts]


@given(TEXTS)
def test_answers_to_one_prompt_share_one_row_and_otherwise_none_do(texts: list[Tokenized]):
    assert len(rows(texts, share_prompts=True)) == len({tuple(text.tokens[: text.answer]) for text in texts})
    assert len(rows(texts, share_prompts=False)) == len(texts)


@given(TEXTS, st.integers(1, 40))
def test_batches_hold_every_row_once_within_the_limit_unless_one_row_is_longer(texts: list[Tokenized], limit: int):
    packed = rows(texts, share_prompts=True)
    made = list(batches(packed, limit))

    assert sorted(id(row) for batch in made for row in batch) == sorted(map(id, packed))
    for batch in made:
        assert len(batch) == 1 or len(batch) * max(len(row.tokens) for row in batch) <= limit
    assert max(map(len, batches(packed, 10**6, most_rows=2)), default=0) <= 2


def test_a_branch_sees_the_prompt_and_itself_and_nothing_sees_padding():
    visible = attention(np.array([[PROMPT, 1, 1, 2, PADDING]]))[0, 0]

    assert visible.tolist() == [
        [True, False, False, False, False],
        [True, True, False, False, False],
        [True, True, True, False, False],
        [True, False, False, True, False],
        [True, False, False, False, True],
    ]


@given(TEXTS, st.data())
def test_a_row_after_an_opening_predicts_the_same_from_the_same(texts: list[Tokenized], data: st.DataObject):
    for row in rows(texts, share_prompts=True):
        opening = data.draw(st.integers(0, len(row.prompt) - 1))
        rest = row.after(opening)

        assert (rest.targets, rest.owners) == (row.targets, row.owners)
        for whole, cut in zip(row.sources, rest.sources, strict=True):
            assert row.tokens[whole] == rest.tokens[cut]
            seen = attention(np.array([rest.branches]), opening)[0, 0, cut]
            assert np.flatnonzero(seen).tolist() == _seen_from(row.branches, whole)


def test_lists_are_filled_up_on_the_right():
    assert padded([[1, 2, 3], [4]], 9).tolist() == [[1, 2, 3], [4, 9, 9]]


def _seen_from(branches: list[int], source: int) -> list[int]:
    return np.flatnonzero(attention(np.array([branches]))[0, 0, source]).tolist()
