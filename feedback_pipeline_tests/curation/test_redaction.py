import polars as pl
import pytest
from curation_rows import example, examples, said
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.curation.redaction import redact, redact_messages


def redacted(text):
    return redact(pl.Series([text])).to_list()[0]


# Put together here so that no scanner takes this file for a leak.
SECRETS = [
    "sk-" + "proj-4f9Qx1ZpLm82RtVbC0dE",
    "sk_" + "live_4f9Qx1ZpLm82RtVbC0dE",
    "ghp_" + "4f9Qx1ZpLm82RtVbC0dE4f9Qx1ZpLm82RtVb",
    "AKIA" + "Q3EGRIO5XQ7KTBNM",
    "xoxb" + "-123456789012-4f9Qx1ZpLm82",
    "AIza" + "SyA4f9Qx1ZpLm82RtVbC0dE4f9Qx1ZpLm82",
    "glpat-" + "4f9Qx1ZpLm82RtVbC0dE",
    "hf_" + "fAQxZpLmRtVbCdEfAQxZpLmRtVbCd",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP",
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\nIBAAK=\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_its_issuers_format_is_replaced(secret):
    assert redacted(f"my key is {secret} ok?") == "my key is <SECRET_1> ok?"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("jo.o'neil+shop@mail.example.co.uk", "EMAIL"),
        ("+1 415 555 0132", "PHONE"),
        ("(415) 555-0132", "PHONE"),
        ("415-555-0132", "PHONE"),
        ("+49 170 1234567", "PHONE"),
        ("+44 (0)20 7946 0958", "PHONE"),
        ("020 7946 0958", "PHONE"),
        ("4111 1111 1111 1111", "CARD"),
        ("5500-0000-0000-0004", "CARD"),
        ("378282246310005", "CARD"),
        ("GB29 NWBK 6016 1331 9268 19", "IBAN"),
        ("at611904300234573201", "IBAN"),
        ("203.0.113.7", "IP"),
    ],
)
@pytest.mark.parametrize("around", ["it is {}, thanks", "{}", "from\n{}\nwith love"])
def test_personal_data_is_replaced_and_what_stands_around_it_stays(value, kind, around):
    assert redacted(around.format(value)) == around.format(f"<{kind}_1>")


def test_a_card_is_told_from_the_date_after_it():
    assert redacted("4111 1111 1111 1111 12/27") == "<CARD_1> 12/27"


def test_a_bearer_token_is_replaced_and_the_header_stays():
    assert redacted("Authorization: Bearer abcdef0123456789abcdef") == "Authorization: Bearer <SECRET_1>"


@pytest.mark.parametrize(
    "text",
    [
        "order 48213377 of 2026-01-05 at 10:20:33",
        "1767604353000 milliseconds",
        "4111 1111 1111 1112",
        "pi is 3.14159265358979, version 18.2.0, approximately 12.0839756",
        "12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27, 296 297 298 299 300 301 302 303 304 305 306",
        "https://maps.example.org/@19.0605522/dp/0465018372/web/20170908153437",
        "listen on 127.0.0.1:8080 or 0.0.0.0",
        "npm install @types/node@18.2.0",
        "550e8400-e29b-41d4-a716-446655440000",
        "de39809c-5958-486d-9ba8-8c7b35aff3b1 and dc2ec63a-0768-4137-8f1e-9b7a5c2d4e6f",
        "the bearer of responsibilities, a risk-free-of-charge sk-learn-contextualization",
        "E-4471 then 12 blinks, 30 seconds, 230 V",
        "",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert redacted(text) == text


def test_the_same_value_keeps_its_placeholder_and_another_gets_the_next():
    text = "a@b.org wrote to c@d.org, then A@B.org"
    assert redacted(text) == "<EMAIL_1> wrote to <EMAIL_2>, then <EMAIL_1>"


def test_the_texts_given_stay_as_they_were():
    given = pl.Series(["a@b.org"])
    redact(given)
    assert given.to_list() == ["a@b.org"]


def test_spellings_of_one_account_share_a_placeholder():
    assert redacted("GB29 NWBK 6016 1331 9268 19 is gb29nwbk60161331926819") == "<IBAN_1> is <IBAN_1>"


def test_null_stays_null_beside_texts_that_change():
    assert redact(pl.Series([None, "a@b.org", "fine"])).to_list() == [None, "<EMAIL_1>", "fine"]


def test_placeholders_are_shared_by_all_messages_of_an_example_and_no_further():
    first = example("x1", question="I am a@b.org, not c@d.org", answer="Noted: c@d.org")
    second = example("x2", question="I am c@d.org")
    clean = example("x3", chosen=said("assistant", "Plain."))
    found = redact_messages(examples(first, second, clean))
    assert found["prompt"].list.first().struct.field("content").to_list() == [
        "I am <EMAIL_1>, not <EMAIL_2>",
        "I am <EMAIL_1>",
        "How do I reset the lamp?",
    ]
    assert found["completion"][0].to_list() == said("assistant", "Noted: <EMAIL_2>")
    assert found[2].equals(examples(clean))


@given(st.text())
def test_redacting_twice_changes_nothing_more(text):
    once = redacted(text)
    assert redacted(once) == once


@pytest.mark.parametrize("piece", ["a", "a.", "sk-", "eyJaaaaaaa-", "AB12", "4-", "1.", "0 1 ", "Bearer ", "x@", "("])
def test_a_long_text_takes_no_more_than_a_moment(piece):
    assert redacted(piece * (400_000 // len(piece)) + "@")
