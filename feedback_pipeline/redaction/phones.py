"""Telephone numbers: by how they are written, by a country's numbering plan, or by the words before them."""

import re
from collections.abc import Iterator

import phonenumbers

from feedback_pipeline.redaction.detector import Detector, Span, compact, matches, near, without_overlap

# A number that begins with the trunk prefix 0 is told from other digits by its country's plan, tried in this order.
TRUNK_REGIONS = ("GB", "DE", "FR", "NL", "BE", "AT", "CH", "SE", "IE", "AU", "NZ", "ZA", "IN", "JP", "KR", "TR", "IT")

_HINT = r"\d(?:[\s().\-/]{0,3}\d){5}"
_SHORT_HINT = (
    r"(?:[Pp]hone(?: number)?|[Mm]obile(?: number)?|[Tt]el|[Rr]each (?:me|us))\.?(?: is| on| at|:){0,2}\s{1,2}\d"
)
_EXTENSION = r"(?: ?(?:x|ext\.?|extension|#) ?\d{1,6})?"
_END = r"(?![\d]|-\d|\w*\d|\.\d)"
# Within JSON a line may begin after the two characters of an escaped break.
_NEW = r"(?:(?<![\w.+\-/])(?<!\d,)|(?<=\\[nrt]))"
_INTERNATIONAL = (
    rf"(?:(?<![\w+])|(?<=\\[nrt]))(?:\+|00|011[ -])(?=[1-9(])[\d(](?:[\s().\-/]{{0,3}}\d){{6,15}}{_EXTENSION}"
)
_NORTH_AMERICAN = _NEW + r"(?:(?:\+|00)?1[-. ]?)?(?:\(\d{3}\)[-. ]?|\d{3}[-. ])\d{3}[-. ]?\d{4}" + _EXTENSION + _END
_TRUNK = _NEW + r"\(?0\d{1,5}\)?(?:[ .\-/]{0,2}\d{1,8}){1,6}" + _END
# Latin America and southern Europe write area or operator and number without a prefix.
_BRACKETED = _NEW + r"\(\d{2,5}\) ?\d{3,5}[-. ]?\d{3,5}" + _END
_CUE = (
    r"(?:phones?|tele?phone|tel|cell(?:phone)?|mobile|fax|whats ?app|telegram|signal|sms|landline|pager|hotline"
    r"|desk|direct line|(?:my|our|his|her|your|their) (?:\w+ )?number(?: is)?"
    r"|call(?:ed|ing)?|dial|ring me|text me|reach(?:ed)? (?:me|us|him|her|them|at|on)|contact|answering"
    r"|registered|messages? to"
    r"|telefon\w*|handy|mobil\w*|tél(?:éphone)?|portable|teléfono|móvil|celular|telefono|cellulare|telefone|"
    r"telefoon|puhelin|телефон)"
)
# Of languages that write no spaces, or hang particles on a word: it may stand between letters.
_UNSPACED_CUE = (
    r"(?:电话|電話|手机|手機|携帯|ケータイ|スマホ|微信|传真|傳真|ファックス|热线|熱線|拨打|撥打|致电|致電"
    r"|전화|휴대폰|핸드폰|โทร|เบอร์|मोबाइल|फ़ोन|फोन|هاتف|جوال|موبايل|تلفون|טלפון|נייד)"
)
_DIGITS = r"(?P<value>\+?\(?\d(?:[ \t().\-/]{0,2}\d){5,14}" + _EXTENSION + r")" + _END
_AFTER_CUE = rf"(?i)(?:(?<![^\W_])|(?<=\\[nrt])){_CUE}(?!\w)[^\d\n(+]{{0,40}}\n?[^\d\n(+]{{0,10}}{_DIGITS}"
_AFTER_UNSPACED_CUE = rf"{_UNSPACED_CUE}[^\d\n(+]{{0,20}}{_DIGITS}"
_BEFORE_CUE = rf"(?i){_NEW}{_DIGITS}[ \t]?[-–(,\\]{{0,2}}[ \t]?(?:office|fax|mobile|cell|phone|home|work)\b"
# The smallest countries' numbers have five digits, which other things have too.
_SHORT = (
    r"(?i)(?<![^\W_])(?:(?:tele)?phone(?: number)?|mobile(?: number)?|tel|reach (?:me|us))\.?(?: is| on| at|:){0,2}"
    r"\s{1,2}(?P<value>\d{2,3}[ .-]?\d{2,3})(?![\w%,-]|\.\d| (?:times|calls?|people|users|years?|days?)\b)"
)
_DATE = re.compile(
    r"\(?(?:19|20)\d\d[-–/ ](?:19|20)?\d\d\)?(?!\d)|\(?(?:\d{1,2}|\d{4})([./-])\d{1,2}\1\d{2,4}(?![\d./-])"
    r"|\d{4}[./-]\d\d[./-]\d\d(?![\d./-])"
)

_SOCIAL_SECURITY = re.compile(r"\d{3}-\d{2}-\d{4}")


def _phones(text: str) -> Iterator[Span]:
    spans = [span for search in _SEARCHES for span in search(text)]
    return without_overlap([span for span in spans if _stands_alone(text, *span)])


def _is_possible(written: str) -> bool:
    """Whether its country has numbers of that length: those set aside for fiction count too."""
    digits = re.sub(r"^(?:00|011[ -])", "+", re.sub(r"\(0\)", "", written))
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(digits))
    except phonenumbers.NumberParseException:
        return False


def _is_in_a_plan(written: str) -> bool:
    """Whether some country gives out that number."""
    digits = compact(written)
    if (
        not 9 <= len(digits) <= 12
        or len(set(digits)) < 4
        or _DATE.match(written)
        or _SOCIAL_SECURITY.fullmatch(written)
    ):
        return False
    for region in TRUNK_REGIONS:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(written, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Whether a number is not part of something longer: a UUID, a decimal fraction, an address."""
    before = re.sub(r"\\[nrt]$", " ", text[max(start - 2, 0) : start])[-1:]
    return not re.match(r"[\w./-]", before) and not re.match(r"\w|-(?![A-Z][a-z])\w", text[stop : stop + 3])


def _is_no_date(written: str) -> bool:
    return not _DATE.match(written)


_SEARCHES = (
    near(_INTERNATIONAL, _HINT, 4, 30, _is_possible),
    near(_NORTH_AMERICAN, _HINT, 8, 30),
    near(_BRACKETED, _HINT, 8, 20),
    near(_TRUNK, _HINT, 4, 30, _is_in_a_plan),
    near(_AFTER_CUE, _HINT, 80, 30, _is_no_date),
    near(_AFTER_UNSPACED_CUE, _HINT, 40, 30, _is_no_date),
    matches(_SHORT),
    near(_BEFORE_CUE, _HINT, 8, 40, _is_no_date),
)

PHONES = (Detector("PHONE", (f"{_HINT}|{_SHORT_HINT}",), _phones, compact),)
