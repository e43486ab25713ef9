"""Signatures of all vendors: theirs are taken, anything near them is not.

The Zendesk example is made with the secret that its documentation gives for tests.
"""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from feedback_pipeline.ingestion.source import Source
from feedback_pipeline.receiving.authenticity import NoSecretError, authenticate
from feedback_pipeline.receiving.settings import ReceiveSettings
from feedback_pipeline.receiving.signatures import SIGNATURES, AuthenticityError, Delivery

NOW = datetime(2021, 3, 25, 5, 9, 27, tzinfo=UTC)
BODY = b'{"event":"ticket.updated","id":123}'
SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
ZENDESK = {
    "X-Zendesk-Webhook-Signature": "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM=",
    "X-Zendesk-Webhook-Signature-Timestamp": "2021-03-25T05:09:27Z",
}
DIGEST = hmac.new(SECRET.encode(), BODY, "sha256")
SIGNED = {
    "chameleon": {"X-Chameleon-Signature": DIGEST.hexdigest()},
    "delighted": {"X-Delighted-Webhook-Signature": f"sha256={DIGEST.hexdigest()}"},
    "typeform": {"Typeform-Signature": f"sha256={base64.b64encode(DIGEST.digest()).decode()}"},
    "zendesk": ZENDESK,
}


def source(format_, name="ours", **declared):
    return Source(name=name, format=format_, timezone="UTC", delimiter=",", parser=None, **declared)


def check(format_, headers, body=BODY, now=NOW, secrets=(("OURS", SECRET),), token=None, **declared):
    authenticate(Delivery(headers, body, now), source(format_, **declared), ReceiveSettings(dict(secrets), token))


def test_every_signature_is_tried_here():
    assert set(SIGNED) == set(SIGNATURES)


@pytest.mark.parametrize("format_", SIGNED)
def test_a_vendors_signature_is_taken(format_):
    check(format_, SIGNED[format_])


def test_a_signature_agrees_with_the_hmac_of_rfc_4231():
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    headers = {"X-Chameleon-Signature": expected}
    check("chameleon", headers, body=b"what do ya want for nothing?", secrets=[("OURS", "Jefe")])


@pytest.mark.parametrize("format_", SIGNED)
def test_a_signature_of_another_body_or_by_another_secret_is_refused(format_):
    for wrong in ({"body": BODY + b" "}, {"body": b""}, {"secrets": [("OURS", SECRET + "x")]}):
        with pytest.raises(AuthenticityError, match="does not match"):
            check(format_, SIGNED[format_], **wrong)


@pytest.mark.parametrize("format_", SIGNED)
def test_a_signature_that_is_changed_cut_short_strange_or_missing_is_refused(format_):
    (name, value), *rest = SIGNED[format_].items()
    for wrong in (value[:-1], value + "0", value.swapcase(), "sha256=", "é" * len(value), "\ud800", ""):
        with pytest.raises(AuthenticityError, match=name):
            check(format_, {name: wrong, **dict(rest)})
    with pytest.raises(AuthenticityError, match=f"{name} is missing"):
        check(format_, dict(rest) | {"Authorization": f"Bearer {SECRET}"})


def test_a_zendesk_delivery_is_taken_for_five_minutes_by_our_clock_and_not_longer():
    for off in (timedelta(minutes=5), timedelta(minutes=-5)):
        check("zendesk", ZENDESK, now=NOW + off)
        with pytest.raises(AuthenticityError, match="more than 300 seconds from now"):
            check("zendesk", ZENDESK, now=NOW + off * 1.01)


@pytest.mark.parametrize("time", ["yesterday", "2021-03-25T05:09:27", "1616648967", "2021-03-25"])
def test_a_zendesk_time_that_is_none_is_refused_though_it_is_signed(time):
    signature = base64.b64encode(hmac.digest(SECRET.encode(), time.encode() + BODY, "sha256")).decode()
    headers = {"X-Zendesk-Webhook-Signature": signature, "X-Zendesk-Webhook-Signature-Timestamp": time}
    with pytest.raises(AuthenticityError, match="not a time"):
        check("zendesk", headers)


def test_a_zendesk_time_that_was_put_forward_is_refused():
    headers = ZENDESK | {"X-Zendesk-Webhook-Signature-Timestamp": "2021-03-25T05:19:27Z"}
    with pytest.raises(AuthenticityError, match="does not match"):
        check("zendesk", headers, now=NOW + timedelta(minutes=10))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_where_no_vendor_signs_the_sources_secret_is_its_token(scheme):
    check("events", {"Authorization": f"{scheme} {SECRET}"}, token="shared")


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer ", "Bearer", SECRET, f"Basic {SECRET}", f"Bearer {SECRET}x"]
)
def test_a_wrong_token_is_refused(header):
    with pytest.raises(AuthenticityError, match="Authorization"):
        check("events", {"Authorization": header})


def test_a_source_with_a_secret_is_not_opened_by_the_token_of_all_others():
    with pytest.raises(AuthenticityError):
        check("events", {"Authorization": "Bearer shared"}, token="shared")
    with pytest.raises(AuthenticityError):
        check("typeform", {"Authorization": "Bearer shared"}, token="shared")


@pytest.mark.parametrize("format_", ["events", "typeform"])
def test_a_source_without_a_secret_is_opened_by_the_token_of_all(format_):
    check(format_, {"Authorization": "Bearer shared"}, secrets=(), token="shared")


@pytest.mark.parametrize("format_", ["events", "typeform"])
def test_without_secret_and_token_nothing_opens_a_source(format_):
    for headers in ({}, {"Authorization": "Bearer "}, SIGNED["typeform"]):
        with pytest.raises(NoSecretError, match="FEEDBACK_RECEIVE_SECRET_OURS or FEEDBACK_RECEIVE_TOKEN"):
            check(format_, headers, secrets=())


def test_a_source_of_reviewers_is_opened_by_a_secret_of_its_own_alone():
    check("events", {"Authorization": f"Bearer {SECRET}"}, token="shared", reviewers=True)
    with pytest.raises(NoSecretError, match="until FEEDBACK_RECEIVE_SECRET_OURS is set"):
        check("events", {"Authorization": "Bearer shared"}, secrets=(), token="shared", reviewers=True)


def test_the_environment_holds_secrets_by_the_sources_names_and_limits():
    settings = ReceiveSettings.from_environment(
        {
            "FEEDBACK_RECEIVE_SECRET_IN_APP_2": "s",
            "FEEDBACK_RECEIVE_SECRET_EMPTY": "",
            "FEEDBACK_RECEIVE_TOKEN": "t",
            "FEEDBACK_RECEIVE_MAX_BYTES": "2048",
            "FEEDBACK_RECEIVE_MAX_AGE": "60",
        }
    )
    assert [settings.secret_of(name) for name in ("in-app.2", "empty", "other")] == ["s", None, None]
    assert (settings.token, settings.max_bytes, settings.max_age) == ("t", 2048, timedelta(minutes=1))
    assert "'s'" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"FEEDBACK_RECEIVE_TOKEN": "", "FEEDBACK_RECEIVE_SECRET_A": ""}, "no secret to know a sender by"),
        ({"FEEDBACK_RECEIVE_TOKEN": "t", "FEEDBACK_RECEIVE_MAX_BYTES": "1 MB"}, "FEEDBACK_RECEIVE_MAX_BYTES=1 MB"),
        ({"FEEDBACK_RECEIVE_TOKEN": "t", "FEEDBACK_RECEIVE_MAX_BYTES": "99999999"}, "from 1 to 16777216"),
        ({"FEEDBACK_RECEIVE_TOKEN": "t", "FEEDBACK_RECEIVE_MAX_AGE": "0"}, "FEEDBACK_RECEIVE_MAX_AGE=0"),
    ],
)
def test_an_environment_in_which_nothing_can_be_received_is_refused(environment, reason):
    with pytest.raises(ValueError, match=reason):
        ReceiveSettings.from_environment(environment)
