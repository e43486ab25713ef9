"""Which texts the embedded encoder cannot read."""

import polars as pl
import pytest

from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.recall.legibility import unread
from feedback_pipeline.settings import EMBEDDED_ENCODER


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(EMBEDDED_ENCODER)


@pytest.mark.parametrize(
    ("text", "is_unread"),
    [
        ("How do I reset the lamp?", False),
        ("Wie setze ich die Lampe zurück?", False),
        ("naïve café, 50 €, 👍👍👍", False),
        ("Как сбросить пароль?", False),
        ("", False),
        (None, False),
        ("如何重置我的支付密码？请帮我看一下", True),
        ("ฉันจะรีเซ็ตรหัสผ่านได้อย่างไร", True),
        ("iPhone 如何退货 and how do I reset it afterwards?", False),
    ],
)
def test_a_text_is_unread_where_most_of_its_words_are_unknown(encoder, text, is_unread):
    assert unread(encoder, pl.Series([text, "read"], dtype=pl.String)).to_list() == [is_unread, False]


def test_of_no_texts_none_is_unread(encoder):
    assert unread(encoder, pl.Series([], dtype=pl.String)).to_list() == []
