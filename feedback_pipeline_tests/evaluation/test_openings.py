from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.evaluation.openings import APART_TOKENS, SHARED_TOKENS, openings

SYSTEM, OTHER_SYSTEM = list(range(100, 400)), [*range(100, 120), *range(500, 700)]
# Two tokens make beginnings that meet and part; repeated, they are long enough to be worth it.
PROMPTS = st.lists(
    st.lists(st.integers(1, 2), min_size=1, max_size=8).map(lambda tokens: [t for t in tokens for _ in range(60)]),
    max_size=12,
    unique_by=tuple,
)


def _found(prompts):
    return [(opening.length, opening.members) for opening in openings(prompts)]


@given(PROMPTS)
def test_every_prompt_goes_on_once_from_what_all_with_the_same_opening_begin_with(prompts: list[list[int]]):
    found = openings(prompts)

    assert sorted(index for opening in found for index in opening.members) == list(range(len(prompts)))
    for opening in found:
        assert len({tuple(prompts[index][: opening.length]) for index in opening.members}) == 1
        assert all(len(prompts[index]) > opening.length for index in opening.members)


@given(PROMPTS)
def test_no_single_choice_of_openings_would_compute_fewer_tokens(prompts: list[list[int]]):
    saved = sum(
        (len(opening.members) - 1) * opening.length - APART_TOKENS for opening in openings(prompts) if opening.length
    )

    for length in range(SHARED_TOKENS, max(map(len, prompts), default=0)):
        groups: dict[tuple[int, ...], int] = {}
        for prompt in prompts:
            if len(prompt) > length:
                groups[tuple(prompt[:length])] = groups.get(tuple(prompt[:length]), 0) + 1
        assert saved >= sum(max(0, (count - 1) * length - APART_TOKENS) for count in groups.values())


def test_two_system_prompts_are_an_opening_each_though_they_begin_alike():
    prompts = [[*system, question] for system in (SYSTEM, OTHER_SYSTEM) for question in (1, 2)]

    assert _found(prompts) == [(300, [0, 1]), (220, [2, 3])]


def test_a_prompt_that_another_begins_with_keeps_a_token_of_its_own():
    assert _found([SYSTEM, [*SYSTEM, 1, 2]]) == [(299, [0, 1])]


def test_prompts_that_each_go_on_where_another_ends_are_all_in_an_opening():
    prompts = [[1] * length for length in range(1, 3000)]

    assert sorted(index for opening in openings(prompts) for index in opening.members) == list(range(len(prompts)))


def test_nothing_is_shared_where_that_saves_little():
    assert _found([[1, 2, 3], [1, 2, 4]]) == [(0, [0, 1])]
    assert _found([[*SYSTEM, 1]]) == [(0, [0])]
    assert _found([]) == []
