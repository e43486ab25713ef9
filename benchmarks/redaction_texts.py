"""Texts for the benchmark of redaction: labelled ones of other people's generators, and ones with nothing in them."""

import contextlib
import gzip
import io
import json
import os
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import phonenumbers
from faker import Faker

REALDATA = Path(os.environ.get("FEEDBACK_REALDATA", "../shared/realdata"))
SEED = 11
LOCALES = (
    "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_BR", "pl_PL", "sv_SE", "fi_FI", "en_IN", "en_CA",
    "en_AU", "cs_CZ", "tr_TR", "ro_RO", "es_MX", "da_DK", "no_NO",
)  # fmt: skip
# What Presidio's generator calls things. Parts of addresses stand for addresses; places, ages and dates are left in.
PRESIDIO_KINDS = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "US_SSN": "ID",
    "US_DRIVER_LICENSE": "ID",
    "STREET_ADDRESS": "ADDRESS",
    "PERSON": "NAME",
}


@dataclass(frozen=True)
class Labelled:
    """A text and where what kind of value stands in it."""

    text: str
    spans: tuple[tuple[str, int, int], ...]


def of_presidio(count: int) -> list[Labelled]:
    """Sentences of Presidio's own data generator, whose templates write a line break as two characters."""
    # It prints its progress.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        from presidio_evaluator.data_generator import PresidioSentenceFaker

        samples = PresidioSentenceFaker("en_US", lower_case_ratio=0.05, random_seed=SEED).generate_new_fake_sentences(
            count
        )
    return [
        Labelled(
            sample.full_text,
            tuple(
                (PRESIDIO_KINDS.get(span.entity_type, "OTHER"), span.start_position, span.end_position)
                for span in sample.spans
            ),
        )
        for sample in samples
    ]


def of_faker(count: int) -> list[Labelled]:
    """Values of Faker's providers in twenty locales, and keys by their issuers' formats, in sentences about them."""
    rng = random.Random(SEED)
    fakers = [Faker(locale) for locale in LOCALES]
    for number, faker in enumerate(fakers):
        faker.seed_instance(SEED + number)
    makers = _makers(rng)
    kinds = list(makers)
    return [_sentence(kind := kinds[n % len(kinds)], makers[kind](rng.choice(fakers)), rng) for n in range(count)]


def of_phonenumbers() -> list[Labelled]:
    """The example number of each type of every region of the numbering plans, in three spellings."""
    rng = random.Random(SEED)
    forms = (
        (phonenumbers.PhoneNumberFormat.INTERNATIONAL, ("{}", "I tried {} twice.", "(see {})", "Ask at {}, please")),
        (phonenumbers.PhoneNumberFormat.E164, ("{}", "I tried {} twice.", "his is {}", "{} or by post")),
        (phonenumbers.PhoneNumberFormat.NATIONAL, ("My phone is {}", "call {}", "Tel. {}", "reach me on {} after six")),
    )
    types = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    return [
        _placed("PHONE", phonenumbers.format_number(example, form), rng.choice(sentences))
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in types
        if (example := phonenumbers.example_number_for_type(region, kind))
        for form, sentences in forms
    ]


def clean() -> dict[str, list[str]]:
    """Distinct texts of public corpora, by corpus: what people asked models, and what these answered."""
    return {
        corpus: sorted({text for path in paths for text in _texts_of(REALDATA / corpus / path, names)})
        for corpus, (paths, names) in _CLEAN.items()
    }


_CLEAN: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {
    "ifllm": (("dev.jsonl",), frozenset({"user_query", "llm_response_1", "llm_response_2"})),
    "oasst_en100": (("dev.jsonl",), frozenset({"text"})),
    "qa_feedback": (("dev.jsonl",), frozenset({"question", *(f"prediction {n}" for n in range(1, 5))})),
    "realhumaneval": (("dev.jsonl",), frozenset({"content", "response"})),
    "arena_hard_prompts": (
        ("v2.0_question.jsonl", "v0.1_answers_gpt-4-0613.jsonl"),
        frozenset({"prompt", "content", "answer"}),
    ),
    "oasst_model_eval": (("outputs-40k.jsonl.gz",), frozenset({"prompt", "output"})),
}


def _makers(rng: random.Random) -> dict[str, Callable[[Faker], str]]:
    return {
        "EMAIL": lambda faker: rng.choice((faker.email, faker.ascii_company_email, faker.free_email))(),
        "CARD": lambda faker: faker.credit_card_number(
            rng.choice(("visa", "mastercard", "amex", "discover", "jcb", "diners"))
        ),
        "IBAN": lambda faker: faker.iban(),
        "IP": lambda faker: rng.choice((faker.ipv4_public, faker.ipv6))(),
        "ID": lambda faker: str(faker.ssn()),
        "SECRET": lambda faker: _secret(rng),
        "ADDRESS": lambda faker: faker.address(),
        "NAME": lambda faker: f"{faker.first_name()} {faker.last_name()}",
    }


_SENTENCES = {
    "EMAIL": ("Write to {} please", "{}", "my login is {}, it fails", "cc: {};", "From <{}>:\nhello"),
    "CARD": ("I paid with {} yesterday", "{} was declined", "charge {}, exp 04/29", "card: {}"),
    "IBAN": ("Transfer it to {} today", "{}", "IBAN {} is closed", "the refund goes to {}."),
    "IP": ("Requests from {} time out", "host {} is down", "{} - - GET /index", "ping {}"),
    "ID": ("my national id number is {}", "SSN: {}", "Tax ID {}", "ID number {} was refused", "passport number: {}"),
    "SECRET": ("I pasted {} by accident", "key={}", "does {} still work?", "export TOKEN={}\n"),
    "ADDRESS": ("Please deliver to {}", "My address is {}", "{}", "we moved to {} in May"),
    "NAME": ("My name is {}.", "Hello, this is {} speaking", "Regards,\n{}", "I saw {} there", "Name: {}"),
}  # fmt: skip


def _secret(rng: random.Random) -> str:
    """A key in one of its issuers' published formats, drawn anew each time."""

    def some(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
        return "".join(rng.choices(alphabet, k=count))

    hexadecimal, upper = string.hexdigits[:16], string.ascii_uppercase + string.digits
    return rng.choice(
        (
            lambda: f"sk-proj-{some(20)}T3BlbkFJ{some(20)}",
            lambda: f"sk-ant-api03-{some(93)}AA",
            lambda: f"ghp_{some(36)}",
            lambda: f"github_pat_{some(22)}_{some(59)}",
            lambda: f"AKIA{some(16, string.ascii_uppercase + '234567')}",
            lambda: f"AIza{some(35)}",
            lambda: f"xoxb-{some(12, string.digits)}-{some(12, string.digits)}-{some(24)}",
            lambda: f"sk_live_{some(24)}",
            lambda: f"eyJ{some(30)}.eyJ{some(60)}.{some(43)}",
            lambda: f"npm_{some(36)}",
            lambda: f"hf_{some(34, string.ascii_letters)}",
            lambda: f"SG.{some(22)}.{some(43)}",
            lambda: f"SK{some(32, hexadecimal)}",
            lambda: f"glpat-{some(20)}",
            lambda: f"pypi-{some(80)}",
            lambda: f"dop_v1_{some(64, hexadecimal)}",
            lambda: f"shpat_{some(32, hexadecimal)}",
            lambda: f"{some(9, string.digits)}:AA{some(33)}",
            lambda: f"https://hooks.slack.com/services/T{some(8, upper)}/B{some(8, upper)}/{some(24)}",
            lambda: f"-----BEGIN PRIVATE KEY-----\n{some(64)}\n{some(64)}\n-----END PRIVATE KEY-----",
            lambda: f"{some(86)}==",
        )
    )()


def _sentence(kind: str, value: str, rng: random.Random) -> Labelled:
    return _placed(kind, value, rng.choice(_SENTENCES[kind]))


def _placed(kind: str, value: str, sentence: str) -> Labelled:
    start = sentence.index("{}")
    return Labelled(sentence.replace("{}", value), ((kind, start, start + len(value)),))


def _texts_of(path: Path, names: frozenset[str]) -> Iterator[str]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            yield from _texts(json.loads(line), names)


def _texts(value: object, names: frozenset[str]) -> Iterator[str]:
    """Every text that stands under one of the names, at any depth."""
    if isinstance(value, list):
        for inner in value:
            yield from _texts(inner, names)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in names and isinstance(inner, str):
                yield inner
            else:
                yield from _texts(inner, names)
