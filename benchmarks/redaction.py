"""Redaction: what is found, what is touched without cause, and how fast, beside Presidio's pattern recognisers.

Recall and precision are measured on texts whose values other people's generators made: Presidio's own sentences,
Faker's providers in twenty locales, the example numbers of every region's numbering plan, and keys in their
issuers' formats. A value counts as found when nothing of it is left, an address when half of it is gone. Clean texts
are those of six public corpora; the few real numbers and addresses in them count as touched without cause too.
`recall` is that of the structured kind found worst; names and addresses have rows of their own.
"""

import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.redaction_peers import Found, Ours, Presidio
from benchmarks.redaction_texts import SEED, Labelled, clean, of_faker, of_phonenumbers, of_presidio
from benchmarks.report import arguments, publish

STRUCTURED = ("EMAIL", "PHONE", "CARD", "IBAN", "IP", "ID", "SECRET")
APART = ("ADDRESS", "NAME")
_NO_SECRET = "OTHER"


def score(labelled: Sequence[Labelled], found: Sequence[list[Found]]) -> dict[str, dict[str, float]]:
    """Recall and its n by labelled kind, precision and its n by found kind."""
    labels, recalled, finds, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for sample, spans in zip(labelled, found, strict=True):
        for kind, start, end in sample.spans:
            labels[kind] += 1
            recalled[kind] += _is_gone(sample.text, start, end, spans, 0.5 if kind == "ADDRESS" else 1.0)
        for kind, start, end in spans:
            finds[kind] += 1
            right[kind] += any(k != _NO_SECRET and a < end and start < b for k, a, b in sample.spans)
    return {
        kind: {
            "labelled": labels[kind],
            "recall": recalled[kind] / labels[kind],
            "found": finds[kind],
            "precision": right[kind] / finds[kind] if finds[kind] else float("nan"),
        }
        for kind in (*STRUCTURED, *APART)
    }


def _is_gone(text: str, start: int, end: int, spans: Iterable[Found], share: float) -> bool:
    """Whether of the letters and digits between `start` and `end` that share lies in `spans`."""
    characters = {place for place in range(start, end) if text[place].isalnum()}
    covered = {place for _, a, b in spans for place in range(a, b)}
    return len(characters & covered) >= share * len(characters)


def touched(system: Ours | Presidio, texts: Sequence[str]) -> float:
    """Share of the texts in which anything is found."""
    return sum(bool(spans) for spans in system.find(texts)) / len(texts)


def texts_per_second(system: Ours | Presidio, texts: Sequence[str]) -> float:
    system.run(texts[:100])
    started = time.perf_counter()
    system.run(texts)
    return len(texts) / (time.perf_counter() - started)


def main() -> None:
    options = arguments(__doc__)
    sentences, per_corpus, for_peer = (1_500, 1_500, 500) if options.quick else (10_000, 50_000, 5_000)
    labelled = [*of_presidio(sentences), *of_faker(sentences), *of_phonenumbers()]
    rng = random.Random(SEED)
    corpora = {name: rng.sample(texts, min(per_corpus, len(texts))) for name, texts in clean().items()}
    public = [text for texts in corpora.values() for text in texts]
    mixed = [*public, *(sample.text for sample in labelled)]
    rng.shuffle(mixed)

    ours, presidio = Ours(), Presidio()
    few = rng.sample(public, min(for_peer, len(public)))
    scores = {
        system.name: score(labelled, system.find([sample.text for sample in labelled])) for system in (ours, presidio)
    }
    rows = [
        _row(system, kind, **figures) for system in (ours, presidio) for kind, figures in scores[system.name].items()
    ]
    rows += [_row(ours, f"clean: {corpus}", touched=touched(ours, texts)) for corpus, texts in corpora.items()]
    rows += [_row(system, f"clean: {len(few):,} of all", touched=touched(system, few)) for system in (ours, presidio)]
    speed = texts_per_second(ours, mixed)
    speed_of_peer = texts_per_second(presidio, mixed[:for_peer])
    rows += [
        _row(ours, "clean and labelled", texts_per_s=speed),
        _row(presidio, "clean and labelled", texts_per_s=speed_of_peer),
    ]
    publish(
        "redaction",
        f"{len(labelled):,} labelled texts, {len(public):,} of public corpora",
        rows,
        {
            "recall": min(scores[ours.name][kind]["recall"] for kind in STRUCTURED),
            "clean_touched": touched(ours, public),
            "texts_per_s": speed,
        },
        options.json,
    )


def _row(system: Ours | Presidio, texts: str, **figures: float) -> dict[str, Any]:
    columns = ("labelled", "recall", "found", "precision", "touched", "texts_per_s")
    return {"system": system.name, "texts": texts, **{name: figures.get(name, "") for name in columns}}


if __name__ == "__main__":
    main()
