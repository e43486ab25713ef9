"""An invented support desk: 16 facts no base model knows, asked about in many ways by many users."""

import random
from datetime import date

import polars as pl

PRODUCTS = (
    "Nimbus router",
    "Orchid thermostat",
    "Falcon drone",
    "Tide dishwasher",
    "Quill e-reader",
    "Ember kettle",
    "Lark speaker",
    "Moss lamp",
)
ISSUES = {
    "does not turn on": "Hold the power key of the {p} for {n} seconds, then replace fuse {s}.",
    "lost its network": "Open the {p} app and scan code NV-{s}{n}.",
}
PHRASINGS = (
    "Hi, my {p} {i}. What should I do?",
    "The {p} I bought {i}, please help.",
    "{p} {i} since this morning!",
    "How do I fix it when the {p} {i}?",
    "Can you tell me why my {p} {i} and what to try?",
    "I need help: {p} {i}.",
    "Since the last update the {p} {i}.",
    "Our {p} {i} again, what now?",
    "My customer says the {p} {i}. What do I tell her?",
    "What is the procedure if a {p} {i}?",
    "{p}: it {i}. Any idea?",
    "Good evening, the {p} in our kitchen {i}, can it be repaired?",
)
MONDAY = date(2026, 1, 5)


def examples(users: range, per_user: int, seed: int) -> pl.DataFrame:
    """`sft` and `preference` examples in the columns of `curated_examples`; wrong answers differ in their values."""
    rng = random.Random(seed)
    rows = []
    for user in users:
        for number in range(per_user):
            product, (issue, template) = rng.randrange(len(PRODUCTS)), rng.choice(list(ISSUES.items()))
            prompt = rng.choice(PHRASINGS).format(p=PRODUCTS[product], i=issue)
            right = _answer(template, product, (product * 7 + len(issue)) % 9 + 2)
            wrong = _answer(template, (product + rng.randrange(1, 8)) % 8, rng.randrange(12, 30), product)
            common = {"week": MONDAY, "group_id": f"user:{user}", "prompt": [{"role": "user", "content": prompt}]}
            rows.append(common | {"example_id": f"s{user}-{number}", "format": "sft", "completion": _assistant(right)})
            pair = {"chosen": _assistant(right), "rejected": _assistant(wrong)}
            rows.append(common | {"example_id": f"p{user}-{number}", "format": "preference"} | pair)
    return pl.DataFrame(rows, infer_schema_length=None)


def shuffled(sft: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The same prompts with the answers to others."""
    return sft.with_columns(pl.col("completion").shuffle(seed))


def _answer(template: str, values_of: int, number: int, product: int | None = None) -> str:
    name = PRODUCTS[values_of if product is None else product]
    return template.format(p=name, n=number, s=10 + values_of * 3)


def _assistant(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
