"""What personal data and secrets look like: by checksum or by their issuer's public format where there is one."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import phonenumbers

Span = tuple[int, int]

# National numbers that begin with the trunk prefix 0 are told from other digits by their country's plan,
# so countries must be named. North America's are told by how they are written.
PHONE_REGIONS = ("GB", "DE")


@dataclass(frozen=True)
class Detector:
    """A kind of value: a cheap pattern every text that holds one matches, and the search itself.

    `hint` is read by Polars (Rust's regex syntax), `find` answers spans in order, without overlap.
    `canonical` makes spellings of one value equal.
    """

    kind: str
    hint: str
    find: Callable[[str], Iterator[Span]]
    canonical: Callable[[str], str]


def _matches(pattern: str) -> Callable[[str], Iterator[Span]]:
    """Search for a pattern; its group `value`, where it has one, is what is found."""
    compiled = re.compile(pattern)
    group = "value" if "value" in compiled.groupindex else 0
    return lambda text: (match.span(group) for match in compiled.finditer(text))


def _longest_valid(pattern: str, is_valid: Callable[[str], bool]) -> Callable[[str], Iterator[Span]]:
    """Search for a pattern of groups; groups at the end that break its checksum are not part of it."""
    compiled = re.compile(pattern)

    def find(text: str) -> Iterator[Span]:
        for match in compiled.finditer(text):
            ends = [group.end() for group in re.finditer(r"\w+", match[0])]
            valid = (end for end in reversed(ends) if is_valid(match[0][:end]))
            if end := next(valid, 0):
                yield match.start(), match.start() + end

    return find


def _without_overlap(spans: list[Span]) -> Iterator[Span]:
    end = 0
    for start, stop in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= end:
            yield start, stop
            end = stop


def _compact(text: str) -> str:
    return re.sub(r"\W", "", text)


def _is_card(text: str) -> bool:
    """ISO/IEC 7812: a check digit by Luhn's formula."""
    digits = [int(digit) for digit in _compact(text)]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return 13 <= len(digits) <= 19 and (doubled + sum(digits[::-2])) % 10 == 0 and len(set(digits)) > 1


def _is_iban(text: str) -> bool:
    """ISO 13616: the number modulo 97 is 1."""
    compact = _compact(text)
    rearranged = compact[4:] + compact[:4]
    return 15 <= len(compact) <= 34 and int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1


_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)")


def _addresses(text: str) -> Iterator[Span]:
    for match in _IPV4.finditer(text):
        with suppress(ipaddress.AddressValueError):
            address = ipaddress.IPv4Address(match[0])
            # These two stand in every configuration and point at nobody.
            if not address.is_loopback and not address.is_unspecified:
                yield match.span()


_PHONE_HINT = r"\d(?:[\s().\-/]{0,3}\d){6}"
_MAY_HOLD_PHONE = re.compile(_PHONE_HINT)
_NORTH_AMERICAN = re.compile(r"(?<![\d.-])(?:\+?1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])\d{3}[-. ]\d{4}(?![\d-])")
_TRUNK_PREFIX = re.compile(r"(?<!\d)0\d")


def _phones(text: str) -> Iterator[Span]:
    if not _MAY_HOLD_PHONE.search(text):
        return
    # With its country code a number need only be possible: those set aside for fiction count too.
    searches: list[tuple[str | None, int]] = [(None, phonenumbers.Leniency.POSSIBLE)] if "+" in text else []
    if _TRUNK_PREFIX.search(text):
        searches += [(region, phonenumbers.Leniency.VALID) for region in PHONE_REGIONS]
    spans = [match.span() for match in _NORTH_AMERICAN.finditer(text)]
    for region, leniency in searches:
        spans += [(match.start, match.end) for match in phonenumbers.PhoneNumberMatcher(text, region, leniency)]
    yield from _without_overlap([span for span in spans if _stands_alone(text, *span)])


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Whether a number is not part of something longer: a UUID, a decimal fraction, an address."""
    return not re.match(r"[\w./-]", text[start - 1 : start]) and not re.match(r"-?\w", text[stop : stop + 2])


# Repetitions are bounded where another attempt could begin inside them, so that no text takes quadratic time.
_SECRET_FORMATS = (
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]{0,40}PRIVATE KEY-----|[\s\S]*)",
    r"\beyJ[\w-]{5,2000}\.[\w-]{5,4000}\.[\w-]{0,1000}",  # JSON web token, RFC 7519
    r"\b[spr]k[-_](?=[\w-]{0,200}\d)[\w-]{16,}",  # OpenAI, Anthropic, Stripe
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})",  # GitHub
    r"\bglpat-[\w-]{16,}",  # GitLab
    r"\bhf_[A-Za-z0-9]{20,}",  # Hugging Face
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",  # AWS
    r"\bAIza[\w-]{30,}",  # Google
    r"\bya29\.[\w-]{20,}",  # Google OAuth
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"\bnpm_[A-Za-z0-9]{30,}",  # npm
    r"\bpypi-[\w-]{30,}",  # PyPI
    r"\bSG\.[\w-]{16,100}\.[\w-]{16,}",  # SendGrid
    r"\b[Bb]earer {1,4}(?=\S{0,200}\d)(?P<value>[A-Za-z0-9._~+/-]{16,}=*)",  # RFC 6750
)
_SECRET_HINT = (
    r"PRIVATE KEY-----|eyJ|[spr]k[-_]|gh[pousr]_|github_pat_|glpat-|hf_|AKIA|ASIA|AIza|ya29\.|xox|npm_|pypi-|SG\."
    r"|[Bb]earer "
)


_SECRET_SEARCHES = [_matches(pattern) for pattern in _SECRET_FORMATS]


def _secrets(text: str) -> Iterator[Span]:
    return _without_overlap([span for search in _SECRET_SEARCHES for span in search(text)])


# Secrets first: their random characters contain whatever the others look for.
DETECTORS = (
    Detector("SECRET", _SECRET_HINT, _secrets, str),
    Detector(
        "EMAIL",
        "@",
        _matches(r"\b\w[\w.+%'-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b"),
        str.lower,
    ),
    Detector(
        "IBAN",
        r"[A-Za-z]{2}\d{2} ?[A-Za-z0-9]{4} ?[A-Za-z0-9]{4}",
        _longest_valid(
            r"(?<![\w-])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?![\w-])", _is_iban
        ),
        lambda text: _compact(text).upper(),
    ),
    # In groups of three digits or more, as cards are written: lists of small numbers pass Luhn's formula too.
    Detector(
        "CARD",
        r"\d(?:[ -]?\d){12}",
        _longest_valid(r"(?<![\w.-])(?:[3-6]\d|2[2-7])\d\d(?:[ -]?\d{3,6}){2,4}(?![\w-])", _is_card),
        _compact,
    ),
    Detector("IP", r"\d\.\d{1,3}\.\d{1,3}\.\d", _addresses, str),
    Detector("PHONE", _PHONE_HINT, _phones, _compact),
)
