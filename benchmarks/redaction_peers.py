"""What finds personal data in texts: this package, and what its user would take instead."""

import logging
import re
import tempfile
from collections.abc import Sequence

import polars as pl
import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from feedback_pipeline.redaction.redact import redact

Found = tuple[str, int, int]

_PLACEHOLDER = re.compile(r"<([A-Z]+)_\d+>")
# Presidio also finds dates and links at its defaults, which are no secrets and are not looked for here.
_PRESIDIO_KINDS = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "MAC_ADDRESS": "MAC",
    "CRYPTO": "WALLET",
    "US_SSN": "ID",
    "US_ITIN": "ID",
    "US_PASSPORT": "ID",
    "US_DRIVER_LICENSE": "ID",
    "US_BANK_NUMBER": "ACCOUNT",
    "UK_NHS": "ID",
    "MEDICAL_LICENSE": "ID",
    "PERSON": "NAME",
}


class Ours:
    """`redact`; where it put placeholders is what it found."""

    name = "feedback-pipeline"

    def find(self, texts: Sequence[str]) -> list[list[Found]]:
        redacted = self.run(texts)
        return [_placeholders(text, without) for text, without in zip(texts, redacted, strict=True)]

    def run(self, texts: Sequence[str]) -> list[str]:
        without: list[str] = redact(pl.Series(texts, dtype=pl.String)).to_list()
        return without


class Presidio:
    """Presidio at its defaults over a blank spaCy pipeline: its pattern recognisers, offline."""

    name = "presidio"

    def __init__(self) -> None:
        logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
        # Otherwise it asks the network for the newest list of domains.
        tldextract.extract = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
        with tempfile.TemporaryDirectory() as folder:
            spacy.blank("en").to_disk(folder)
            engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": folder}])
            engine.load()
        self._analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
        self._entities = [kind for kind in _PRESIDIO_KINDS if kind in self._analyzer.get_supported_entities()]

    def find(self, texts: Sequence[str]) -> list[list[Found]]:
        return [
            [
                (_PRESIDIO_KINDS[result.entity_type], result.start, result.end)
                for result in self._analyzer.analyze(text, language="en", entities=self._entities)
            ]
            for text in texts
        ]

    run = find


def _placeholders(text: str, redacted: str) -> list[Found]:
    """Spans of `text` that placeholders stand for: what lies between the pieces that stayed."""
    pieces = _PLACEHOLDER.split(redacted)
    kinds = pieces[1::2]
    match = re.fullmatch(r"([\s\S]+?)".join(map(re.escape, pieces[::2])), text)
    if match is None:
        raise ValueError(f"{redacted!r} is not {text!r} with placeholders")
    return [(kind, *match.span(number)) for number, kind in enumerate(kinds, start=1)]
