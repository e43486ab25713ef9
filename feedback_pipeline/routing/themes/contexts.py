"""Which system context an answer was given under, whatever day the context says it is."""

_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_DATES_AND_TIMES = "|".join(
    (
        r"\d{4}-\d\d?-\d\d?(?:[t ]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?",
        r"\b\d\d?([./-])\d\d?[./-]\d{2,4}\b",
        r"\b\d\d?:\d\d(?::\d\d)?(?: ?[ap]\.?m\b)?",
        rf"\b(?:\d\d?(?:st|nd|rd|th)? (?:of )?)?(?:{_MONTH})\b\.?(?: \d\d?(?:st|nd|rd|th)?\b)?(?:,? \d{{4}}\b)?",
        r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b",
        r"\d{4}年\d\d?月\d\d?日",
    )
)


def fingerprint(column: str) -> str:
    """The beginning of the SHA-256 of a system context, dates and times in it left out; in DuckDB's SQL, null of none.

    Many products tell their model the date, so that each day has another text. It is no change of the product.
    """
    return f"left(sha256(nullif(regexp_replace({column}, '{_DATES_AND_TIMES}', '', 'gi'), '')), 8)"
