"""Numbers of cards, bank accounts and wallets: by their checksums, or by the words before them."""

import hashlib
from contextlib import suppress

from stdnum import luhn

from feedback_pipeline.redaction.detector import Detector, any_of, compact, longest_valid, matches

_CARD_LENGTHS = (13, 14, 15, 16, 19)


def _is_card(text: str) -> bool:
    """ISO/IEC 7812: a check digit by Luhn's formula."""
    digits = compact(text)
    return len(digits) in _CARD_LENGTHS and luhn.is_valid(digits) and len(set(digits)) > 1


def _is_iban(text: str) -> bool:
    """ISO 13616: the number modulo 97 is 1."""
    number = compact(text)
    rearranged = number[4:] + number[:4]
    return 15 <= len(number) <= 34 and int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1


_BASE58 = {
    character: value for value, character in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
}


def _is_base58check(text: str) -> bool:
    """Bitcoin's addresses: 21 bytes and the first four of their double SHA-256."""
    number = 0
    for character in text:
        number = number * 58 + _BASE58[character]
    with suppress(OverflowError):
        address = number.to_bytes(25, "big")
        return hashlib.sha256(hashlib.sha256(address[:-4]).digest()).digest()[:4] == address[-4:]
    return False


_CUED_ACCOUNT = (
    r"(?i)\b(?:(?:bank|checking|savings|current|deposit)? ?account|acct|routing|sort code|aba|bank code"
    r"|kontonummer|blz)"
    r"\.?(?: (?:number|no|nr|num|id|code|#))?\.?(?:\s{0,2}[:#=]|\s(?:is|was|ending in|ends in|of))?\s{0,2}[#:]?\s{0,2}"
    r"(?P<value>\d(?:[ -]?\d){5,19})(?![\w-])"
)
_CUED_CARD = (
    r"(?i)\b(?:card|visa|maestro|amex|american express|cc|karte|carte|tarjeta|carta|cartão)\b[^\d\n]{0,24}"
    r"(?P<value>\d(?:[ .-]?\d){11,18})(?![\w-])"
)
# Of languages that write no spaces, or hang particles on a word: it may stand between letters.
_UNSPACED_ACCOUNT_WORDS = r"(?:账号|账户|帳號|帳戶|口座|계좌|บัญชี|卡号|卡號|カード番号|카드번호|카드 번호|บัตรเครดิต)"
_UNSPACED_ACCOUNT = rf"{_UNSPACED_ACCOUNT_WORDS}[^\d\n]{{0,12}}(?P<value>\d(?:[ -]?\d){{7,19}})(?![\w-])"

ACCOUNTS = (
    Detector(
        "IBAN",
        (r"[A-Za-z]{2}\d{2} ?[A-Za-z0-9]{4} ?[A-Za-z0-9]{4}",),
        longest_valid(r"(?<![\w-])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?![\w-])", _is_iban),
        compact,
    ),
    # In groups of three digits or more, as cards are written: lists of small numbers pass Luhn's formula too.
    Detector(
        "CARD",
        (r"\d(?:[ .-]?\d){11}",),
        any_of(
            longest_valid(
                r"(?<![\w.-])(?:[3-6]\d\d\d|2131|1800|2[2-7]\d\d)(?:[ .-]?\d{3,6}){2,4}(?![\w-]|\.\d)", _is_card
            ),
            matches(_CUED_CARD),
        ),
        compact,
    ),
    Detector(
        "WALLET",
        (r"\b[13][1-9A-HJ-NP-Za-km-z]{25}|bc1[a-z0-9]{20}|0x[0-9a-fA-F]{40}",),
        any_of(
            matches(r"(?<![\w/])[13][1-9A-HJ-NP-Za-km-z]{25,34}(?!\w)", _is_base58check),
            matches(r"(?<!\w)(?:bc1[ac-hj-np-z02-9]{20,80}|0x[0-9a-fA-F]{40})(?!\w)"),
        ),
        str,
    ),
    Detector(
        "ACCOUNT",
        (
            r"(?i)(?:account|acct|routing|sort code|aba|bank code|kontonummer|blz)[^\d\n]{0,24}\d[\d -]{5}"
            rf"|{_UNSPACED_ACCOUNT_WORDS}[^\d\n]{{0,12}}\d[\d -]{{5}}",
        ),
        any_of(matches(_CUED_ACCOUNT), matches(_UNSPACED_ACCOUNT)),
        compact,
    ),
)
