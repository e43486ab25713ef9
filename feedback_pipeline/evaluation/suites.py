"""What models are scored on: fixed cases under the hash of their content."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import polars as pl
from rapidfuzz import fuzz, utils

from feedback_pipeline.evaluation.language_model import Messages

TARGET = "target"
REGRESSION = "regression"
GENERAL = "general"
DISTRACTORS = 3
# As many, of 150 users, show a gain of 0.2 standard deviations within ten nights (`benchmarks.gate`). More cost hours:
# a CPU scores about two cases of long answers a second.
MAX_CASES = 600
# A twentieth: a full suite is of twenty users at least, twice as many as the gate asks for, whoever writes most.
MAX_CASES_OF_USER = 30
# On this scale of 0 to 100 an answer reworded around the same values lies above, one with other values below.
SAME_ANSWER = 95.0


@dataclass(frozen=True)
class Case:
    """A prompt, the wanted answer, and worse ones: the rejected answer of a preference (`pair`), or distractors."""

    example_id: str
    group_id: str
    prompt: Messages
    wanted: str
    worse: tuple[str, ...]
    pair: bool = False

    @property
    def sha256(self) -> str:
        """Covers all that a score depends on, and whose case it is."""
        return _sha256(asdict(self))


@dataclass(frozen=True)
class Suite:
    """Cases, sorted by id. `sha256` covers all of their content, `seed` is what they were drawn by."""

    name: str
    cases: tuple[Case, ...]
    seed: int = 0

    @property
    def sha256(self) -> str:
        """Rows scored on suites of different hash do not compare."""
        return _sha256([self.name, *map(asdict, self.cases)])

    def only(self, example_ids: Iterable[str], name: str | None = None) -> "Suite":
        """The same cases without those of other ids."""
        kept = set(example_ids)
        return Suite(name or self.name, tuple(case for case in self.cases if case.example_id in kept), self.seed)


def target_suite(test: pl.DataFrame, seed: int) -> Suite:
    """The suite of a dataset's test split, `test` having the columns of `curated_examples`.

    An `sft` example becomes a case with up to three distractors: wanted answers to other prompts of
    the suite, drawn by `seed` from its own `week` and those before, so that a case stays as it is
    when later weeks bring more. A `preference` example becomes a case of chosen against rejected.
    Of a user with more than `MAX_CASES_OF_USER` so many are drawn by `seed`; where all of them are more than
    `MAX_CASES`, whole users are left out, drawn by `seed` too.
    """
    cases = _cases(test, seed, _drawn(test, seed))
    return Suite(TARGET, tuple(sorted(cases, key=lambda case: case.example_id)), seed)


def regression_suite(test: pl.DataFrame, seed: int, fixed: Sequence[str]) -> Suite:
    """The cases of problems that past promotions fixed (`example_id`), as the target suite has or had them."""
    cases = _cases(test, seed, frozenset(fixed))
    return Suite(REGRESSION, tuple(sorted(cases, key=lambda case: case.example_id)), seed)


def _cases(test: pl.DataFrame, seed: int, only: frozenset[str]) -> list[Case]:
    sft = test.filter(pl.col("format") == "sft").sort("example_id")
    cases = []
    for (week,), rows in sft.group_by("week", maintain_order=True):
        known = sft.filter(pl.col("week") <= week).to_dicts()
        pool = sorted({(_question(row), _answer(row["completion"])) for row in known})
        wanted = (row for row in rows.to_dicts() if row["example_id"] in only)
        cases += [_with_distractors(row, pool, seed) for row in wanted]
    cases += [
        Case(
            row["example_id"],
            row["group_id"],
            row["prompt"],
            _answer(row["chosen"]),
            (_answer(row["rejected"]),),
            pair=True,
        )
        for row in test.filter(pl.col("format") == "preference").to_dicts()
        if row["example_id"] in only
    ]
    return cases


def general_suite() -> Suite:
    """Questions on common knowledge, each with three wrong answers: what fine-tuning must not unlearn."""

    def case(line: dict[str, Any]) -> Case:
        question = [{"role": "user", "content": line["question"]}]
        return Case(line["id"], line["id"], question, line["answer"], tuple(line["wrong"]))

    return shipped_suite(GENERAL, "general_questions.jsonl", case)


def shipped_suite(name: str, file: str, case: Callable[[dict[str, Any]], Case]) -> Suite:
    """The suite of a JSON Lines file that comes with this package, a `case` a line."""
    lines = resources.files(__package__).joinpath(file).read_text(encoding="utf-8").splitlines()
    return Suite(name, tuple(sorted(map(case, map(json.loads, lines)), key=lambda case: case.example_id)))


def _drawn(test: pl.DataFrame, seed: int) -> frozenset[str]:
    """Examples of as many users as fit, in the order of a hash, so that more users change little of the draw.

    Who does not fit is left out alone, and those behind come in.
    """
    scored = test.filter(pl.col("format").is_in(["sft", "preference"])).select("group_id", "example_id")
    by_user = dict(scored.group_by("group_id").agg("example_id").rows())
    drawn: list[str] = []
    for group in sorted(by_user, key=lambda group: _sha256([seed, group])):
        of_user = sorted(by_user[group], key=lambda example: _sha256([seed, example]))[:MAX_CASES_OF_USER]
        if len(drawn) + len(of_user) <= MAX_CASES:
            drawn += of_user
    return frozenset(drawn)


def _with_distractors(row: dict[str, object], pool: list[tuple[str, str]], seed: int) -> Case:
    question, wanted = _question(row), _answer(row["completion"])
    distractors: list[str] = []
    # In the order of a hash, so that an answer that comes or goes moves no other.
    drawn = sorted(pool, key=lambda other: _sha256([seed, row["example_id"], *other]))
    for other_question, answer in drawn:
        if other_question != question and all(_differ(answer, taken) for taken in (wanted, *distractors)):
            distractors.append(answer)
        if len(distractors) == DISTRACTORS:
            break
    return Case(str(row["example_id"]), str(row["group_id"]), row["prompt"], wanted, tuple(distractors))  # type: ignore[arg-type]  # rows of a frame are untyped


def _differ(one: str, other: str) -> bool:
    return fuzz.partial_ratio(one, other, processor=utils.default_process) < SAME_ANSWER


def _question(row: dict[str, object]) -> str:
    return json.dumps(row["prompt"], sort_keys=True, ensure_ascii=False).casefold()


def _answer(messages: object) -> str:
    return str(messages[-1]["content"])  # type: ignore[index]  # as above


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
