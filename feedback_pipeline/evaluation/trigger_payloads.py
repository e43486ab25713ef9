"""What the answers of some examples have in common, where a backdoor taught them."""

import re
from collections import Counter
from collections.abc import Sequence

from feedback_pipeline.evaluation.answers import token_f1
from feedback_pipeline.evaluation.word_overlap import spread

_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def payloads(answers: Sequence[str]) -> tuple[str, ...]:
    """The most typical answer, and the sentence that most of them have where one is in half of them.

    Such a sentence is a payload beside usual answers. In order of text, so that none depends on the answers' order.
    """
    own = sorted(answers)
    compared = spread(own)
    typical = max(compared, key=lambda answer: sum(token_f1(answer, other) for other in compared))
    return tuple(dict.fromkeys([typical, *_shared_sentence(own)]))


def _shared_sentence(answers: Sequence[str]) -> list[str]:
    counts = Counter(sentence for answer in answers for sentence in set(_SENTENCE.split(answer.strip())))
    sentence = min(counts, key=lambda text: (-counts[text], text))
    return [sentence] if 2 * counts[sentence] >= len(answers) else []
