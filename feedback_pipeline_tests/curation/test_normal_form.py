import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_pipeline.curation.normal_form import normal_form, unicode_normal_form

ascii_characters = st.characters(max_codepoint=127)
texts = st.one_of(st.none(), st.text(ascii_characters), st.text())


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  What's the\tcode, E-41?\n", "what s the code e 41"),
        ("ＦＵＬＬ ﬁgure", "full figure"),
        ("नमस्ते दुनिया!", "नमस्ते दुनिया"),
        ("退货30天，iPhone也行！", "退 货 30 天 iphone 也 行"),
        ("ｱｲﾌｫﾝは、ここ", "ア イ フ ォ ン は こ こ"),
        ("ซื้อ 2 ชิ้น", "ซื้ อ 2 ชิ้ น"),
        ("한국어는 띄어 쓴다", "한국어는 띄어 쓴다"),
        (" ?! ", "?!"),
        ("", ""),
        (None, None),
    ],
)
def test_the_normal_form_keeps_words_alone(text, normal):
    assert pl.select(normal_form(pl.lit(text, pl.String))).item() == normal


@settings(max_examples=300)
@given(st.lists(texts, max_size=8), st.integers(0, 3))
def test_the_compiled_path_gives_what_unicodes_tables_give(given, start):
    said = pl.DataFrame({"text": given}, schema={"text": pl.String})[start:]
    found = said.select(fast=normal_form(pl.col("text")), slow=unicode_normal_form(pl.col("text")))
    assert found["fast"].to_list() == found["slow"].to_list()


@settings(max_examples=300)
@given(st.text(st.sampled_from("退货ซื้เฟนはe1, !é")))
def test_the_normal_form_of_a_normal_form_is_itself(text):
    once = pl.DataFrame({"text": [text]}).with_columns(normal_form(pl.col("text")))
    assert once.with_columns(normal_form(pl.col("text"))).equals(once)
    assert "  " not in once["text"][0]


def test_the_parts_that_several_cores_fold_come_back_in_order():
    said = pl.DataFrame({"text": [f"Text {number}, {chr(0xE9) * (number % 3)}!" for number in range(9_001)]})
    found = said.select(fast=normal_form(pl.col("text")), slow=unicode_normal_form(pl.col("text")))
    assert found["fast"].to_list() == found["slow"].to_list()
