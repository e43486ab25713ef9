import re

import phonenumbers
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_pipeline.redaction.borders import BORDER
from feedback_pipeline.redaction.redact import redact, redact_together
from feedback_pipeline.redaction.written_forms import in_ascii, series_in_ascii


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
        ("2001:db8:85a3::8a2e:370:7334", "IP"),
        ("00:1A:2B:3C:4D:5E", "MAC"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "WALLET"),
        ("123.456.789-09", "ID"),
        ("RSSMRA85T10A562S", "ID"),
        ("12345678Z", "ID"),
        ("078-05-1119", "ID"),
        ("AB 12 34 56 C", "ID"),
        ("ana [at] example [dot] com", "EMAIL"),
        ("ana at example dot com", "EMAIL"),
        ("1600 Elm Street, Springfield, IL 62704", "ADDRESS"),
        ("Hauptstraße 5, 10115 Berlin", "ADDRESS"),
        ("12 rue de la Paix, 75002 Paris", "ADDRESS"),
    ],
)
@pytest.mark.parametrize("around", ["it is {}, thanks", "{}", "from\n{}\nwith love"])
def test_personal_data_is_replaced_and_what_stands_around_it_stays(value, kind, around):
    assert redacted(around.format(value)) == around.format(f"<{kind}_1>")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("jo.neil@mail.example.co.uk", "EMAIL"),
        ("+44 20 7946 0958", "PHONE"),
        ("(415) 555-0132", "PHONE"),
        ("4111 1111 1111 1111", "CARD"),
        ("at611904300234573201", "IBAN"),
        ("203.0.113.7", "IP"),
        ("11010519491231002X", "ID"),
        ("ghp_" + "4f9Qx1ZpLm82RtVbC0dE4f9Qx1ZpLm82RtVb", "SECRET"),
        ("sk_" + "live_4f9Qx1ZpLm82RtVbC0dE", "SECRET"),
    ],
)
@pytest.mark.parametrize(
    "around",
    ["我的是{}谢谢", "サーバー{}です", "คือ{}ครับ", "그것은 {}입니다", "मेरा{}पर", "هو{}شكرا", "我的是{}。", "“{}”给我"],
)
def test_a_value_is_found_between_letters_of_another_script(value, kind, around):
    assert redacted(around.format(value)) == around.format(f"<{kind}_1>")


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("我的手机号是13800138000，谢谢", "我的手机号是<PHONE_1>，谢谢"),
        ("携帯は09012345678です", "携帯は<PHONE_1>です"),
        ("전화번호는 01012345678입니다", "전화번호는 <PHONE_1>입니다"),
        ("โทร0812345678ครับ", "โทร<PHONE_1>ครับ"),
        ("मोबाइल 9876543210पर कॉल करें", "मोबाइल <PHONE_1>पर कॉल करें"),
        ("رقم هاتفي0501234567", "رقم هاتفي<PHONE_1>"),
        ("护照号：E12345678丢了", "护照号：<ID_1>丢了"),
        ("주민등록번호 900101-1234567", "주민등록번호 <ID_1>"),
        ("银行账号6222021234567890123请查", "银行账号<ACCOUNT_1>请查"),
        ("密码是Tr0ub4dor&3，谢谢", "密码是<SECRET_1>，谢谢"),
        ("パスワードはS3cr3t!passです", "パスワードは<SECRET_1>です"),
        ("邮箱为wei@公司.cn", "邮箱为<EMAIL_1>"),
    ],
)
def test_a_cue_of_another_script_announces_what_follows(text, without):
    assert redacted(text) == without


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("電話は０９０－１２３４－５６７８です", "電話は<PHONE_1>です"),
        ("ＴＥＬ：０３－１２３４－５６７８、ＦＡＸなし", "ＴＥＬ：<PHONE_1>、ＦＡＸなし"),
        ("メールはtaro＠example.co.jpです", "メールは<EMAIL_1>です"),
        ("４１１１\u3000１１１１\u3000１１１１\u3000１１１１", "<CARD_1>"),
        ("4111\u00a01111\u00a01111\u00a01111 and 4111 1111 1111 1111", "<CARD_1> and <CARD_1>"),
        ("رقم الجوال ٠٥٠١٢٣٤٥٦٧", "رقم الجوال <PHONE_1>"),
        ("मोबाइल ९८७६५४३२१०पर", "मोबाइल <PHONE_1>पर"),
        ("415\u2011555\u20110132 – “ｆｉｎｅ”", "<PHONE_1> – “ｆｉｎｅ”"),
        ("第１２３４５号、２０２６年１月５日", "第１２３４５号、２０２６年１月５日"),
    ],
)
def test_a_value_is_found_in_other_forms_of_its_characters_and_the_rest_stays_as_written(text, without):
    assert redacted(text) == without


@given(st.text())
def test_the_ascii_form_of_a_text_is_as_long_as_it(text):
    assert len(in_ascii(text)) == len(text)
    assert series_in_ascii(pl.Series([text, None])).to_list() == [in_ascii(text), None]


@pytest.mark.parametrize(
    "text",
    [
        "订单号202601051234请查询，版本3.11.2发布，价格是1,234,567元",
        "GPT-4模型在2024年12月31日发布，Python3的list共有12345678个",
        "密码是什么？我忘记了123",
        "使用https://example.com/path?id=123访问",
        "注文番号は48213377です。0.5秒、第3章",
        "주문 번호 48213377은 2026-01-05에 왔습니다",
        "᚛ᚑᚌᚐᚋ᚜ ᚛ᚑᚌᚐᚋ\u1680ᚑᚌᚐᚋ1᚜",
    ],
)
def test_ordinary_text_of_another_script_stays_as_it_is(text):
    assert redacted(text) == text


@given(st.text(alphabet="你好パーสวัสดี안녕हि मرحבا abcéяλ12-_=+(.,", max_size=30))
def test_borders_between_scripts_leave_no_trace(text):
    found = redacted(text)
    assert BORDER not in found
    assert found == text or "<" in found


def test_a_card_is_told_from_the_date_after_it():
    assert redacted("4111 1111 1111 1111 12/27") == "<CARD_1> 12/27"


def test_a_bearer_token_is_replaced_and_the_header_stays():
    assert redacted("Authorization: Bearer abcdef0123456789abcdef") == "Authorization: Bearer <SECRET_1>"


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("my name is Ana Lima, thanks", "my name is <NAME_1>, thanks"),
        ("my name is john smith and I wait", "my name is <NAME_1> and I wait"),
        ("Hi, I'm Ana from Porto", "Hi, I'm <NAME_1> from Porto"),
        ("ich heiße Jürgen", "ich heiße <NAME_1>"),
        ("Regards,\nAna Lima", "Regards,\n<NAME_1>"),
        ("Dear Ana, no. Ana, listen", "Dear <NAME_1>, no. <NAME_1>, listen"),
        ("my password is Tr0ub4dor&3.", "my password is <SECRET_1>."),
        ("DB_PASSWORD='S3cr3t!pass'", "DB_PASSWORD='<SECRET_1>'"),
        ("api_key: 3f9a8b7c6d5e4f3a2b1c0d9e", "api_key: <SECRET_1>"),
        ("postgres://ana:hunter22@db.example.org/x", "postgres://ana:<SECRET_1>@db.example.org/x"),
        ("account number 000123456789", "account number <ACCOUNT_1>"),
        ("passport no. X1234567", "passport no. <ID_1>"),
        ("ssn 078051119", "ssn <ID_1>"),
        ("PESEL: 44051401359", "PESEL: <ID_1>"),
        ("call 4155550132 or 555-0132", "call <PHONE_1> or 555-0132"),
        ("Tel. 71 234", "Tel. <PHONE_1>"),
        ("my mobile: +54 9 3820 9201, too short", "my mobile: <PHONE_1>, too short"),
        ("Phone:\\n89 97 11 23\\n", "Phone:\\n<PHONE_1>\\n"),
        ("I live at 5 Low Hollow, Ely and wait", "I live at <ADDRESS_1> and wait"),
    ],
)
def test_what_a_cue_announces_is_replaced_and_the_cue_stays(text, without):
    assert redacted(text) == without


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_number_of_every_region_is_replaced_in_its_international_form(region):
    example = phonenumbers.example_number(region)
    for form in (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164):
        assert redacted(f"I tried {phonenumbers.format_number(example, form)} twice") == "I tried <PHONE_1> twice"


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
        "password: required, the password is incorrect, token = base64.b64encode(key), $password = $_POST['password']",
        "std::vector a::b 10:20:33 and 1993-94, room #1 or switch #2",
        "born on 12/05/1985, order 123456789, the war of (1914-1918), about 1000-1100 people were reached",
        "Mr. Darcy, of Pemberley; I'm happy to help; this is what I need; it's Friday; Dear Sir, hello World!",
        "On April 30, 2019, Xi Jinping spoke; as Chen et al. in 2010 put it; during 1994; The Conjuring 2",
        "He paid $4,155,550,132 in 2020, ZIP 94105, 50% of 1,234,567",
        "git clone git@example.org:team/project.git; systemctl start vpn@office.service",
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


def test_all_texts_of_a_conversation_share_placeholders_and_no_others():
    texts = pl.Series(["I'm a@b.org, my name is Ana Lima.", "Hello Ana, I wrote to a@b.org", "Ana, c@d.org", None])
    assert redact_together(texts, pl.Series([1, 1, 2, 2])).to_list() == [
        "I'm <EMAIL_1>, my name is <NAME_1>.",
        "Hello <NAME_1>, I wrote to <EMAIL_1>",
        "Ana, <EMAIL_1>",
        None,
    ]


class EveryCapital:
    """Takes any capitalised word for a name."""

    def find(self, texts):
        return [[match.span() for match in re.finditer(r"\b[A-Z]\w+", text)] for text in texts]


def test_a_model_takes_over_names_and_its_placeholders_stay_whole():
    found = redact(pl.Series(["I saw Ana and wrote to a@b.org, my name is bob", None, "Nobody?"]), EveryCapital())
    assert found.to_list() == ["I saw <NAME_1> and wrote to <EMAIL_1>, my name is bob", None, "<NAME_1>?"]


@given(st.text())
def test_redacting_twice_changes_nothing_more(text):
    once = redacted(text)
    assert redacted(once) == once


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "sk-",
        "eyJaaaaaaa-",
        "AB12",
        "4-",
        "1.",
        "0 1 ",
        "my name is ",
        "call 1",
        "A1 Street ",
        "1 A ",
        "id no ",
        "@a.",
        "\n1 ",
        "a:",
        "Bearer ",
        "x@",
        "(",
    ],
)
def test_a_long_text_takes_no_more_than_a_moment(piece):
    assert redacted(piece * (400_000 // len(piece)) + "@")
