"""How vendors sign what they send, and whether a signature is theirs.

| format | header | of | |
|---|---|---|---|
| `typeform` | `Typeform-Signature` | the body | `sha256=` and the HMAC-SHA256 in base64 |
| `chameleon` | `X-Chameleon-Signature` | the body | the HMAC-SHA256 in hexadecimal |
| `zendesk` | `X-Zendesk-Webhook-Signature` | time and body | the HMAC-SHA256 in base64; the time is in `…-Timestamp` |
| `delighted` | `X-Delighted-Webhook-Signature` | the body | `sha256=` and the HMAC-SHA256 in hexadecimal |

The key is the secret as it is shown, never decoded, and for Delighted the project's private API key.
Only Zendesk signs a time. A replay of another's delivery is the same line again, which ingestion counts
as a duplicate. Chameleon's body has a `sent_at`, but whether a second attempt, up to 43 hours later,
renews it is not documented, so that a limit on it could lose what no one sends again.
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


class AuthenticityError(ValueError):
    """Nothing shows that a delivery comes from whom it should; the message says what is missing or wrong."""


@dataclass(frozen=True)
class Delivery:
    """A request's `headers` (names in any case) and raw `body`, and when it came (with a time zone)."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    max_age: timedelta = timedelta(minutes=5)

    def header(self, name: str) -> str:
        """A header's value. Raises `AuthenticityError` where there is none."""
        value = self.headers.get(name)
        if not value:
            raise AuthenticityError(f"the header {name} is missing")
        return value


def same(given: str, expected: str) -> bool:
    """Whether two texts are equal; how long it takes does not tell how nearly."""
    # As bytes: `compare_digest` refuses a text that is not ASCII, which a forged header may be.
    return hmac.compare_digest(given.encode(errors="surrogatepass"), expected.encode())


def _typeform(delivery: Delivery, secret: str) -> None:
    _check(delivery, "Typeform-Signature", "sha256=" + _base64(secret, delivery.body))


def _delighted(delivery: Delivery, secret: str) -> None:
    _check(delivery, "X-Delighted-Webhook-Signature", "sha256=" + _hmac(secret, delivery.body).hex())


def _chameleon(delivery: Delivery, secret: str) -> None:
    _check(delivery, "X-Chameleon-Signature", _hmac(secret, delivery.body).hex())


def _zendesk(delivery: Delivery, secret: str) -> None:
    name = "X-Zendesk-Webhook-Signature-Timestamp"
    signed_at = delivery.header(name)
    _check(delivery, "X-Zendesk-Webhook-Signature", _base64(secret, signed_at.encode() + delivery.body))
    try:
        age = abs(delivery.received_at - datetime.fromisoformat(signed_at))
    except (TypeError, ValueError):
        raise AuthenticityError(f"{name}: not a time with an offset") from None
    if age > delivery.max_age:
        raise AuthenticityError(f"{name}: more than {delivery.max_age.total_seconds():.0f} seconds from now")


def _check(delivery: Delivery, header: str, expected: str) -> None:
    if not same(delivery.header(header), expected):
        raise AuthenticityError(f"{header} does not match the body and our secret")


def _base64(secret: str, message: bytes) -> str:
    return base64.b64encode(_hmac(secret, message)).decode()


def _hmac(secret: str, message: bytes) -> bytes:
    return hmac.digest(secret.encode(), message, "sha256")


# By the format that the source declares. Each raises `AuthenticityError`.
SIGNATURES: dict[str, Callable[[Delivery, str], None]] = {
    "chameleon": _chameleon,
    "delighted": _delighted,
    "typeform": _typeform,
    "zendesk": _zendesk,
}
