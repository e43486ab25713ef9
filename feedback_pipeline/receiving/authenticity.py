"""Who may send for a source: whoever signs with its secret, or shows its token."""

from feedback_pipeline.ingestion.source import Source
from feedback_pipeline.receiving.settings import ReceiveSettings, missing_secret
from feedback_pipeline.receiving.signatures import SIGNATURES, AuthenticityError, Delivery, same


class NoSecretError(Exception):
    """Nobody could be told from anybody else; the message says what to set."""


def authenticate(delivery: Delivery, source: Source, settings: ReceiveSettings) -> None:
    """Return where the delivery is known to be the source's.

    With a secret of its own the source is known by that alone: by the signature of its format's vendor,
    or, where the format has none, by `Authorization: Bearer <secret>`. Without one, by the token that
    all such sources share; that makes nobody a reviewer, so a source of reviewers needs a secret.
    Raises `AuthenticityError`, and `NoSecretError` where there is neither.
    """
    secret = settings.secret_of(source.name)
    if secret and (check := SIGNATURES.get(source.format)):
        check(delivery, secret)
    elif token := secret or _shared(source, settings):
        _check_bearer(delivery, token)
    else:
        raise NoSecretError(missing_secret(source.name, source.reviewers))


def closed(source: Source, settings: ReceiveSettings) -> str | None:
    """What to set before anything can be received for the source; None where something can."""
    if settings.secret_of(source.name) or _shared(source, settings):
        return None
    return missing_secret(source.name, source.reviewers)


def _shared(source: Source, settings: ReceiveSettings) -> str | None:
    return None if source.reviewers else settings.token


def _check_bearer(delivery: Delivery, token: str) -> None:
    scheme, _, given = delivery.header("Authorization").partition(" ")
    if scheme.lower() != "bearer" or not same(given.strip(), token):
        raise AuthenticityError("Authorization is not `Bearer` and the source's token")
