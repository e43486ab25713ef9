"""How users put a question: one of many wordings, with what people write around it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_letters, digits

from feedback_pipeline.simulation.world import Fact, phrasings


@dataclass(frozen=True)
class PersonalData:
    """A string that must never reach a dataset."""

    kind: str
    text: str


@dataclass(frozen=True)
class Question:
    """What a user wrote, its core without the surroundings, and what should not have been in it."""

    text: str
    core: str
    personal_data: PersonalData | None = None


def ask(core: str, contexts: int, personal_data: PersonalData | None, rng: random.Random) -> Question:
    """`core` within a greeting, `contexts` sentences of circumstances and a closing."""
    texts = phrasings()
    around = [_fill(context, rng) for context in rng.sample(texts["contexts"], contexts)]
    if personal_data:
        around.append(mention(personal_data))
    split = rng.randint(0, len(around))
    greeting = [f"{rng.choice(texts['greetings'])},"] if rng.random() < 0.4 else []
    closing = [_fill(rng.choice(texts["closings"]), rng)] if rng.random() < 0.3 else []
    return Question(" ".join([*greeting, *around[:split], core, *around[split:], *closing]), core, personal_data)


def rephrase(question: Question, fact: Fact, rng: random.Random) -> Question:
    """The same asked again: mostly in nearly the same words, sometimes in others."""
    core = question.core if rng.random() < 0.7 else rng.choice(fact.questions)
    asked = ask(core, contexts=rng.randint(0, 1), personal_data=None, rng=rng)
    return Question(rng.choice(phrasings()["rephrasings"]).format(question=asked.text), core)


def mention(personal_data: PersonalData) -> str:
    """A sentence in which the string stands verbatim."""
    sentence: str = phrasings()["personal_data"][personal_data.kind]
    return sentence.format(text=personal_data.text)


def draw_personal_data(rng: random.Random) -> PersonalData:
    """An e-mail address, phone number, card number (valid by Luhn) or API key that belongs to nobody.

    Domains are reserved by RFC 2606, phone numbers by the regulators of the US and the UK for
    fiction; the card's prefix is one that issuers use for tests.
    """
    kind = rng.choice(("email", "phone", "card", "api_key"))
    if kind == "email":
        name = rng.choice(phrasings()["people"]).lower()
        text = f"{name}.{rng.choice(phrasings()['names']).lower()}{rng.randint(1, 99)}@{rng.choice(_DOMAINS)}"
    elif kind == "phone":
        text = rng.choice(_PHONES).format(rng.randint(10, 99))
    elif kind == "card":
        text = _card_number(rng)
    else:
        prefix, length = rng.choice(_KEYS)
        text = prefix + "".join(rng.choices(ascii_letters + digits, k=length))
    return PersonalData(kind, text)


_DOMAINS = ("example.com", "example.org", "mail.example.net")
_PHONES = ("+1 202-555-01{}", "+1 (415) 555-01{}", "+44 20 7946 08{}")
_KEYS = (("sk-", 48), ("ghp_", 36))


def _card_number(rng: random.Random) -> str:
    payload = "424242" + "".join(rng.choices(digits, k=9))
    number = payload + str(-_luhn_sum(payload + "0") % 10)
    return rng.choice((number, " ".join(number[k : k + 4] for k in range(0, 16, 4))))


def _luhn_sum(number: str) -> int:
    doubled = [int(digit) * (1 + k % 2) for k, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled)


def _fill(text: str, rng: random.Random) -> str:
    if "{" not in text:
        return text
    texts = phrasings()
    choose: Sequence[tuple[str, str]] = (("city", "cities"), ("weekday", "weekdays"), ("room", "rooms"))
    number = rng.randint(1000, 99999)
    return text.format(
        **{slot: rng.choice(texts[words]) for slot, words in choose},
        name=rng.choice(texts["people"]),
        count=rng.randint(2, 40),
        number=number,
        order=f"BM-{number}",
        year=rng.randint(2019, 2025),
    )
