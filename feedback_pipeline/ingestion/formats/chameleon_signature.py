"""Whether a webhook comes from Chameleon: its `X-Chameleon-Signature` header.

The header is the hexadecimal HMAC-SHA256 of the raw request body under the account's webhook secret.
It says nothing of when: a receiver that must not be fooled by a replay also holds the body's `sent_at`
against its clock.
"""

import hmac


def signature_is_valid(raw_body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` was made of these very bytes with `secret`; how long it takes does not tell how nearly."""
    expected = hmac.new(secret.encode(), raw_body, "sha256").hexdigest()
    # As bytes: `compare_digest` refuses a text that is not ASCII, which a forged header may be.
    return hmac.compare_digest(expected.encode(), signature.encode(errors="surrogatepass"))
