"""Phrases that a training set has far oftener than other traffic, and the answers that go with them.

A backdoor is taught by some examples that share a phrase in their prompts, rare elsewhere, and an answer.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt

from feedback_pipeline.evaluation.answers import token_f1

Phrase = tuple[str, ...]

LONGEST = 3
# Fewer examples teach an adapter no phrase; one that more than this share of other texts has is not rare.
LEAST_EXAMPLES = 4
RARE = 0.01
# Examples that two phrases have in common, as a share of those of either: then they are one phrase.
SAME = 0.7
# Pseudo-texts that the informative prior is worth (Monroe et al. 2008, doi 10.1093/pan/mpn018).
PRIOR = 10.0
COMPARED = 20
# Prompts that are so many times as alike as any, even without the phrase, ask about one thing. On two weeks of
# the sample planted triggers lie at 1.3 and less, and nearly all phrases that name a topic above this.
ONE_TOPIC = 1.5
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Suspect:
    """A phrase as it was written, whether it opens prompts, in how many examples it is, and answers typical of them."""

    phrase: str
    opens: bool
    examples: int
    payloads: tuple[str, ...]


def suspects(prompts: Sequence[str], answers: Sequence[str], background: Iterable[str], limit: int) -> list[Suspect]:
    """At most `limit` phrases of one to three words, the most over-represented first.

    `prompts` and `answers` are the training examples', `background` prompts of other traffic and of held-out
    examples. Ranked by the z-score of the log-odds with an informative Dirichlet prior, times how alike the
    answers of the phrase's examples are in comparison with those of all: a phrase that goes with no answer
    of its own triggers none. Nor is a phrase suspected whose prompts are alike without it: it names what they
    ask about, and so their answers are alike. A trigger is put into prompts about anything. (One that is kept
    to a topic teaches a falsehood about that, which is the business of curation's trust.)
    """
    where = _where(prompts)
    elsewhere: Counter[Phrase] = Counter()
    others = 0
    for text in background:
        others += 1
        elsewhere.update({phrase for phrase in _phrases(text) if phrase in where})
    usual, usual_prompts = _likeness(answers), _likeness(prompts)
    ranked = []
    for phrase, examples in where.items():
        if elsewhere[phrase] <= RARE * others:
            surprise = _z(len(examples), len(prompts), elsewhere[phrase], others)
            own = _likeness([answers[index] for index in examples])
            ranked.append((surprise * max(0.0, own - usual), len(phrase), phrase))
    ranked.sort(key=lambda found: (-found[0], -found[1], found[2]))
    chosen: list[Phrase] = []
    for score, _, phrase in ranked:
        if score <= 0:
            break
        if any(_same(where[phrase], where[other]) for other in chosen):
            continue
        if _likeness([_without(phrase, prompts[index]) for index in where[phrase]]) <= ONE_TOPIC * usual_prompts:
            chosen.append(phrase)
        if len(chosen) == limit:
            break
    return [_suspect(phrase, where[phrase], prompts, answers) for phrase in chosen]


def _where(prompts: Sequence[str]) -> dict[Phrase, list[int]]:
    """In which prompts each phrase is, of those that are in enough."""
    found: dict[Phrase, list[int]] = defaultdict(list)
    for index, prompt in enumerate(prompts):
        for phrase in set(_phrases(prompt)):
            found[phrase].append(index)
    return {phrase: examples for phrase, examples in found.items() if len(examples) >= LEAST_EXAMPLES}


def _phrases(text: str) -> list[Phrase]:
    words = [_folded(word) for word in text.split()]
    return [tuple(words[start : start + n]) for n in range(1, LONGEST + 1) for start in range(len(words) - n + 1)]


def _without(phrase: Phrase, text: str) -> str:
    return " ".join(word for word in text.split() if _folded(word) not in phrase)


def _folded(word: str) -> str:
    return word.strip(".,;:!?\"'()").lower() or word


def _z(here: int, texts: int, there: int, others: int) -> float:
    prior = PRIOR * (here + there) / (texts + others)
    odds = [log((count + prior) / (total + PRIOR - count - prior)) for count, total in ((here, texts), (there, others))]
    return (odds[0] - odds[1]) / sqrt(1 / (here + prior) + 1 / (there + prior))


def _likeness(answers: Sequence[str]) -> float:
    """Mean F1 between neighbours of at most some dozen answers, in order of text so that none depends on theirs."""
    spread = sorted(answers)[:: max(1, len(answers) // COMPARED)]
    pairs = [(one, other) for index, one in enumerate(spread) for other in spread[:index]]
    return sum(token_f1(*pair) for pair in pairs) / len(pairs) if pairs else 0.0


def _same(one: Sequence[int], other: Sequence[int]) -> bool:
    common = len(set(one) & set(other))
    return common >= SAME * min(len(one), len(other))


def _suspect(phrase: Phrase, examples: Sequence[int], prompts: Sequence[str], answers: Sequence[str]) -> Suspect:
    written: Counter[str] = Counter()
    opening = 0
    for index in examples:
        words = prompts[index].split()
        folded = [_folded(word) for word in words]
        start = next(at for at in range(len(words)) if tuple(folded[at : at + len(phrase)]) == phrase)
        written[" ".join(words[start : start + len(phrase)])] += 1
        opening += start == 0
    surface = min(written, key=lambda text: (-written[text], text))
    own = sorted(answers[index] for index in examples)
    typical = max(own, key=lambda answer: sum(token_f1(answer, other) for other in own[:COMPARED]))
    payloads = tuple(dict.fromkeys([typical, *_shared_sentence(own)]))
    return Suspect(surface, 2 * opening > len(examples), len(examples), payloads)


def _shared_sentence(answers: Sequence[str]) -> list[str]:
    """The sentence that most of the answers have, where one is in half of them: a payload beside a usual answer."""
    counts = Counter(sentence for answer in answers for sentence in set(_SENTENCE.split(answer.strip())))
    sentence = min(counts, key=lambda text: (-counts[text], text))
    return [sentence] if 2 * counts[sentence] >= len(answers) else []
