"""Themes on points around known centres: who joins, who waits, what is founded, merged and split."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from feedback_pipeline.routing.themes.geometry import spread
from feedback_pipeline.routing.themes.night import Group, group_problems
from feedback_pipeline.routing.themes.summary import wilson
from feedback_pipeline.routing.themes.terms import distinguishing_terms

START = date(2026, 1, 5)
DIMENSION = 32


def around(centre: int, count: int, seed: int, noise: float = 0.12):
    rng = np.random.default_rng(seed)
    points = np.eye(DIMENSION)[centre] + noise * rng.normal(size=(count, DIMENSION))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def frame(vectors, prefix: str, day: date) -> pl.DataFrame:
    return pl.DataFrame(
        {"interaction_id": [f"{prefix}-{k:03d}" for k in range(len(vectors))], "seen": [day] * len(vectors)},
        schema={"interaction_id": pl.String, "seen": pl.Date},
    ).with_columns(vector=pl.Series(np.asarray(vectors), dtype=pl.Array(pl.Float64, DIMENSION)))


def nights(days: int, centres: int = 6, each: int = 5):
    """Groups, theme by interaction, and the nights, of `each` points a centre and day."""
    groups, waiting, placed, made = [], frame(np.empty((0, DIMENSION)), "x", START), {}, []
    for number in range(days):
        day = START + timedelta(days=number)
        new = pl.concat([frame(around(c, each, number * 100 + c), f"c{c}-d{number}", day) for c in range(centres)])
        night = group_problems(groups, waiting, new, day)
        placed |= dict(night.members.select("interaction_id", "theme_id").rows())
        waiting = pl.concat([waiting, new]).filter(
            pl.col("interaction_id").is_in([key for key, theme in placed.items() if theme is None])
        )
        groups = night.groups
        made.append(night)
    return groups, placed, made


def test_planted_centres_are_found_and_keep_their_ids():
    groups, placed, made = nights(10)

    found = {key: theme for key, theme in placed.items() if theme is not None}
    assert adjusted_rand_score([key[:2] for key in found], list(found.values())) > 0.95
    assert len(found) > 0.9 * len(placed)
    early = {change for night in made[:5] for change in night.changes["theme_id"]}
    assert {group.theme_id for group in groups} == early


def test_few_problems_wait_instead_of_founding_a_mixture():
    _, placed, _ = nights(2)

    assert set(placed.values()) == {None}


def test_a_night_is_the_same_in_whatever_order_its_problems_come():
    day = START
    problems = pl.concat([frame(around(c, 30, c), f"c{c}", day) for c in range(5)])
    none = problems.clear()

    one = group_problems([], none, problems, day)
    other = group_problems([], none, problems.sample(fraction=1.0, shuffle=True, seed=3), day)

    assert one.members.equals(other.members)
    assert one.changes.equals(other.changes)


def test_a_new_problem_is_founded_beside_the_known_ones_the_night_it_comes():
    groups, _, _ = nights(6)
    day = START + timedelta(days=6)
    known = {group.theme_id for group in groups}
    new = frame(around(20, 8, 5), "new", day)

    night = group_problems(groups, new.clear(), new, day)

    assert set(night.members["theme_id"]).isdisjoint(known)
    assert night.changes.select("change", "members").rows() == [("founded", 8)]


def test_two_themes_whose_members_lie_together_become_the_older():
    groups, _, _ = nights(6)
    day = START + timedelta(days=6)
    twin = around(0, 40, 77)
    old = next(group for group in groups if group.centroid @ np.eye(DIMENSION)[0] > 0.9)
    young = type(old)("zz-twin", twin.mean(axis=0), *spread(twin), 40, day, None, [f"t{k}" for k in range(40)], twin)
    none = frame(np.empty((0, DIMENSION)), "x", day)

    night = group_problems([*groups, young], none, none, day)

    assert ("zz-twin", "merged", old.theme_id) in night.changes.select("theme_id", "change", "other_theme_id").rows()


def test_of_two_themes_that_are_equally_old_the_larger_keeps_its_id():
    day, points = START, around(0, 50, 9)
    none = frame(np.empty((0, DIMENSION)), "x", day)
    halves = [
        Group(
            name, part.mean(axis=0), *spread(part), len(part), day, None, [f"{name}{k}" for k in range(len(part))], part
        )
        for name, part in (("aa-part", points[:12]), ("zz-whole", points[12:]))
    ]

    night = group_problems(halves, none, none, day)

    assert night.changes.select("theme_id", "change", "other_theme_id").rows() == [("aa-part", "merged", "zz-whole")]


def test_terms_are_those_that_the_other_themes_lack():
    terms = distinguishing_terms({"a": ["the kettle pairing code is wrong"] * 3, "b": ["the lamp reset is wrong"] * 3})

    assert any("kettle" in term for term in terms["a"])
    assert not any("kettle" in term or term == "wrong" for term in terms["b"][:2])


def test_terms_of_texts_without_words_are_none():
    assert distinguishing_terms({"a": ["1 2 3"], "b": [""]}) == {"a": [], "b": []}


def test_a_theme_is_named_by_pairs_of_characters_where_writing_has_no_spaces():
    terms = distinguishing_terms({"a": ["如何重置iPhone密码", "忘了密码"], "b": ["怎么退货", "退货政策"]}, count=2)
    assert terms["a"][0] == "密码"
    assert terms["b"][0] == "退货"
    assert "iphone" in distinguishing_terms({"a": ["如何重置iPhone密码"], "b": ["怎么退货"]})["a"]


@pytest.mark.parametrize(("count", "of"), [(0, 0), (0, 10), (10, 10), (3, 50)])
def test_the_interval_of_a_rate_holds_it(count, of):
    lower, upper = wilson(count, of)

    assert 0 <= lower <= (count / of if of else 0.5) <= upper + 1e-12 <= 1 + 1e-12


def test_what_belongs_to_a_new_theme_joins_it_on_its_first_night(monkeypatch):
    # The newest problems alone are clustered; the older ones are as near to the themes that these found.
    monkeypatch.setattr("feedback_pipeline.routing.themes.night.WAITING_LIMIT", 120)
    older, newer = START, START + timedelta(days=1)
    waiting = pl.concat([frame(around(c, 20, c), f"old-{c}", older) for c in range(4)])
    new = pl.concat([frame(around(c, 30, 50 + c), f"new-{c}", newer) for c in range(4)])

    made = group_problems([], waiting, new, newer)

    joined = made.members.filter(pl.col("interaction_id").str.starts_with("old"), pl.col("theme_id").is_not_null())
    assert joined.height > 70
