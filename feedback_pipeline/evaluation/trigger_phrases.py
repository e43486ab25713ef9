"""Phrases that a training set has oftener than other traffic, and the answers that go with them.

A backdoor is taught by some examples that share a phrase in their prompts, rare elsewhere, and an answer.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt

from feedback_pipeline.evaluation.answers import token_f1
from feedback_pipeline.evaluation.frequent_grams import FrequentGram, frequent_grams
from feedback_pipeline.evaluation.language_model import Messages
from feedback_pipeline.evaluation.phrase_grams import Gram, segments, words, written
from feedback_pipeline.evaluation.topic_phrases import Topics
from feedback_pipeline.evaluation.trigger_payloads import payloads
from feedback_pipeline.evaluation.word_overlap import COMPARED, likeness, spread

LONGEST = 4
# Fewer examples teach an adapter no phrase.
LEAST_EXAMPLES = 4
# Examples that two phrases have in common, as a share of those of both: then they are one phrase.
SAME = 0.7
# Two answers with so many words in common (F1) are one payload.
SAME_ANSWER = 0.7
# More of the first in rank are not looked at.
LOOKED_AT = 1_000
# A phrase is usual if so many other authors write it, and this share of them.
LEAST_AUTHORS = 3
KNOWN = 0.02
Segments = list[tuple[str, list[str]]]


@dataclass(frozen=True)
class Suspect:
    """A phrase as it was written, whether it opens prompts, in how many examples it is, and answers typical of them.

    `role` is whose message it was in: the user's or the system's.
    """

    phrase: str
    opens: bool
    examples: int
    payloads: tuple[str, ...]
    role: str = "user"


def suspects(
    prompts: Sequence[Messages], answers: Sequence[str], others: Iterable[tuple[str, Messages]], limit: int
) -> list[Suspect]:
    """At most `limit` phrases of one to four words, or of a word's beginning, those that a backdoor would have first.

    `prompts` and `answers` are the training examples', `others` authors and prompts of other traffic and of
    held-out examples. Of others authors are counted, not prompts, so that nobody clears a phrase by repeating it.

    Ranked by the signed root of the log-likelihood ratio (Dunning 1993, Computational Linguistics 19:1, which holds
    for counts of zero), times how alike the answers of the phrase's examples are in comparison with those of all:
    a phrase that goes with no answer of its own triggers none. One phrase for each such answer comes first, so that
    many phrases with one answer hide no other. Nor is a phrase suspected whose prompts are alike without it: it
    names what they ask about, and so their answers are alike. A trigger is put into prompts about anything. Nor one
    most of whose words are in other prompts with the same answer: these are paraphrases. Nor one that names what
    others speak of too, and what its answer then speaks of. (A trigger that is kept to a topic teaches a falsehood
    about that, which is the business of curation's trust.)
    """
    grams, authors = frequent_grams(prompts, others, LONGEST, LEAST_EXAMPLES)
    where = {each.gram: each.examples.tolist() for each in grams}
    spoken = {each.gram for each in grams if each.authors >= max(LEAST_AUTHORS, KNOWN * authors)}
    said = [frozenset(words(answer)) for answer in answers]
    asked = [frozenset(w for role, run in segments(prompt) if role == "user" for w in run) for prompt in prompts]
    usual, topics = likeness(said, 4 * COMPARED), Topics(asked, said, spoken)
    ranked = []
    for each in _longest_of_each(grams):
        surprise = _surprise(len(each.examples), len(prompts), each.authors, authors)
        if surprise > 0 and (own := likeness([said[index] for index in spread(where[each.gram])])) > usual:
            ranked.append((surprise * (own - usual), len(each.gram), each.gram))
    ranked.sort(key=lambda found: (-found[0], -found[1], found[2]))
    first: list[Gram] = []
    more: list[Gram] = []
    taught: list[str] = []
    for _, _, gram in ranked[:LOOKED_AT]:
        if any(_same(where[gram], where[other]) for other in (*first, *more)):
            continue
        payload = payloads([answers[index] for index in where[gram]])[0]
        if topics.named_by(gram, where[gram], payload):
            continue
        if any(token_f1(payload, other) >= SAME_ANSWER for other in taught):
            more += [gram] if len(more) < limit else []
        else:
            first.append(gram)
            taught.append(payload)
        if len(first) == limit:
            break
    chosen = [(_grown(gram, segments(prompts[where[gram][0]]), where), where[gram]) for gram in (*first, *more)[:limit]]
    return [_suspect(gram, examples, prompts, answers) for gram, examples in chosen]


def _longest_of_each(grams: Sequence[FrequentGram]) -> list[FrequentGram]:
    """Of grams that are in the very same prompts the longest."""
    ordered = sorted(grams, key=lambda each: (len(each.gram), each.gram))
    return list({each.examples.tobytes(): each for each in ordered}.values())


def _grown(gram: Gram, of_example: Segments, where: dict[Gram, list[int]]) -> Gram:
    """The gram with the words around it in one of its examples, as far as all of its examples have them."""
    if len(gram) <= LONGEST:
        return gram
    for role, run in of_example:
        for start in range(len(run) - LONGEST + 1):
            if (role, *run[start : start + LONGEST]) == gram:
                first, last = start, start + LONGEST
                while first > 0 and where.get((role, *run[first - 1 : first - 1 + LONGEST])) == where[gram]:
                    first -= 1
                while last < len(run) and where.get((role, *run[last + 1 - LONGEST : last + 1])) == where[gram]:
                    last += 1
                return (role, *run[first:last])
    return gram


def _surprise(here: int, texts: int, there: int, authors: int) -> float:
    """Signed root of the log-likelihood ratio of one share for both against a share each."""
    shared = (here + there) / (texts + authors)
    ratio = 0.0
    for count, total in ((here, texts), (there, authors)):
        for observed, expected in ((count, total * shared), (total - count, total * (1 - shared))):
            ratio += 2 * observed * log(observed / expected) if observed else 0.0
    more = here * authors > there * texts or not authors
    return sqrt(max(0.0, ratio)) if more else -sqrt(max(0.0, ratio))


def _same(one: Sequence[int], other: Sequence[int]) -> bool:
    return len(set(one) & set(other)) >= SAME * len(set(one) | set(other))


def _suspect(gram: Gram, examples: Sequence[int], prompts: Sequence[Messages], answers: Sequence[str]) -> Suspect:
    found = list(filter(None, (written(gram, prompts[index]) for index in examples)))
    forms = Counter(text for text, _ in found)
    surface = min(forms, key=lambda text: (-forms[text], text))
    opening = sum(opens for _, opens in found)
    own = payloads([answers[index] for index in examples])
    return Suspect(surface, 2 * opening > len(examples), len(examples), own, role=gram[0])
