"""Addresses of machines: IPv4, IPv6 and MAC."""

import ipaddress
import re
from collections.abc import Iterator
from contextlib import suppress

from feedback_pipeline.redaction.detector import Detector, Span, compact, matches, without_overlap

_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\w:])")
_VERSION_BEFORE = re.compile(r"(?i)(?:\bversion|\bv|\brelease|==|>=|~=|-)\s?$")


def _addresses(text: str) -> Iterator[Span]:
    found = []
    for match in [*_IPV4.finditer(text), *_IPV6.finditer(text)]:
        with suppress(ValueError):
            address = ipaddress.ip_address(match[0])
            if _points_at_somebody(address) and _is_written_as_one(text, match):
                found.append(match.span())
    return without_overlap(found)


def _points_at_somebody(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    # These stand in every configuration and point at nobody.
    return not address.is_loopback and not address.is_unspecified


def _is_written_as_one(text: str, match: re.Match[str]) -> bool:
    """Whether it is no version number and no `a::b` of a program."""
    if ":" not in match[0]:
        return not _VERSION_BEFORE.search(text[max(match.start() - 10, 0) : match.start()])
    groups = [group for group in match[0].split(":") if group]
    return len(groups) > 1 and any(re.search(r"\d", group) for group in groups)


NETWORK = (
    Detector("IP", (r"\d\.\d{1,3}\.\d{1,3}\.\d|[0-9A-Fa-f:]:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]",), _addresses, str.lower),
    Detector(
        "MAC",
        (r"[0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-]",),
        matches(
            r"(?<![\w:-])[0-9A-Fa-f]{2}(?P<separator>[:-])(?:[0-9A-Fa-f]{2}(?P=separator)){4}[0-9A-Fa-f]{2}(?![\w:-])"
        ),
        compact,
    ),
)
