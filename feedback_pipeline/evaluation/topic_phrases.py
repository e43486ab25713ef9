"""Phrases that name what their prompts ask about: their answers are alike for that, and they trigger nothing."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from feedback_pipeline.evaluation.phrase_grams import Gram, without, words
from feedback_pipeline.evaluation.word_overlap import COMPARED, f1, likeness, spread

# Prompts that are so many times as alike as any, even without the phrase, ask about one thing. On two weeks of
# the sample planted triggers lie at 1.3 and less, and nearly all phrases that name a topic above this.
ONE_TOPIC = 1.5
# So alike (F1) is the very answer: answers about two products may differ in a name and a number.
VERY_ANSWER = 0.9
# What more answers speak of than this share is no subject of one of them.
SUBJECT = 0.3
SOUGHT = 2_000


@dataclass(frozen=True)
class Topics:
    """Words of the user's messages (`asked`) and of the answers (`said`) of examples; grams `usual` among others."""

    asked: Sequence[frozenset[str]]
    said: Sequence[frozenset[str]]
    usual: Set[Gram]

    def named_by(self, gram: Gram, examples: Sequence[int], payload: str) -> bool:
        """Whether the gram of these examples, which share the answer `payload`, names a topic."""
        return (
            self._is_all_of_one(gram, examples)
            or self._is_the_answers_subject(gram, words(payload))
            or self._is_one_wording_of_many(gram, set(examples), frozenset(words(payload)))
        )

    @cached_property
    def _usual_likeness(self) -> float:
        return likeness(self.asked, 4 * COMPARED)

    def _is_all_of_one(self, gram: Gram, examples: Sequence[int]) -> bool:
        """Whether its prompts are alike without it, too. A trigger is put into prompts about anything."""
        return likeness([without(gram, self.asked[at]) for at in spread(examples)]) > ONE_TOPIC * self._usual_likeness

    def _is_the_answers_subject(self, gram: Gram, payload: Sequence[str]) -> bool:
        """Whether others write most of it too, and the payload is about that; the rest being usual words.

        Asked about a warranty and "my Harrowin router", a model that knows the router may well speak of that.
        """
        role, *own = gram
        answered = f" {' '.join(payload)} "
        for start, end in combinations(range(len(own) + 1), 2):
            part, rest = own[start:end], (*own[:start], *own[end:])
            if (
                len(part) >= len(own) / 2
                and (role, *part) in self.usual
                and all((role, word) in self.usual for word in rest)
                and f" {' '.join(part)} " in answered
                and self._share_of_answers(part) <= SUBJECT
            ):
                return True
        return False

    def _share_of_answers(self, part: Sequence[str]) -> float:
        said = spread(self.said, SOUGHT)
        return sum(each.issuperset(part) for each in said) / len(said)

    def _is_one_wording_of_many(self, gram: Gram, examples: set[int], payload: frozenset[str]) -> bool:
        """Whether prompts without it, but with most of its words, are answered alike.

        Of a trigger each word is a gram of its own that all of the planted examples have, so that nothing hides
        behind plants that have only parts of it.
        """
        alike = [at for at in spread(range(len(self.said)), SOUGHT) if f1(self.said[at], payload) >= VERY_ANSWER]
        others = [at for at in alike if at not in examples]
        shared = [len(self.asked[at].intersection(gram[1:])) / (len(gram) - 1) for at in others]
        return bool(others) and sum(shared) >= len(others) / 2
