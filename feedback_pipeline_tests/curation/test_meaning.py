import numpy as np
import polars as pl
import pytest
from curation_rows import Topics

from feedback_pipeline.curation.meaning import READ_WHOLE, SAME_MEANING, nearest_in_meaning
from feedback_pipeline.recall.encoder import load_encoder
from feedback_pipeline.recall.vector_cache import CachedEncoder
from feedback_pipeline.settings import EMBEDDED_ENCODER


def pairs(asked: list[str], others: list[str], **more) -> list[tuple[int, int]]:
    found = nearest_in_meaning(pl.Series(asked), pl.Series(others), Topics(), **more)
    return found.select("row", "other").rows()


def test_the_nearest_come_first_and_no_more_than_wanted():
    others = ["hold the lamp", "hold the lamp pair", "noise"]
    assert pairs(["please hold the lamp", "noise"], others, least=0.6, most=5) == [(0, 0), (0, 1), (1, 2)]
    assert pairs(["please hold the lamp", "noise"], others, least=0.6) == [(0, 0), (1, 2)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("reset lamp e9", "lamp reset e9", True),
        ("reset lamp e9", "lamp reset e6", False),
        ("reset lamp e9", "lamp e9 reset after 30 minutes", True),
        ("reset lamp", "lamp with 30 buttons reset", True),
        ("reset hold", "hold xyzzy quux frobnicate reset plugh", True),
        ("你好 reset", "ฉันเศร้าทํายังไงถึงจะสุข", False),
        ("", "", False),
        ("lamp " * READ_WHOLE, "lamp " * READ_WHOLE, False),
    ],
)
def test_a_pair_alike_in_meaning_must_agree_in_numbers_and_share_letters(one, other, same):
    assert bool(pairs([one], [other])) == same == bool(pairs([other], [one]))


class Illiterate(Topics):
    """An encoder to which all texts are one."""

    def encode(self, texts):
        return np.full((len(texts), 4), 0.5, dtype=np.float32)


def test_an_encoder_that_cannot_read_a_script_makes_no_questions_equal():
    asked = pl.Series(["你好", "👍"])
    assert nearest_in_meaning(asked, pl.Series(["สวัสดี", "👎", "reset the lamp"]), Illiterate()).is_empty()


class Counting(Topics):
    """Remembers what it was asked to encode."""

    def __init__(self):
        self.encoded = []

    def encode(self, texts):
        self.encoded += texts
        return super().encode(texts)


def test_a_text_is_encoded_once_ever_and_its_words_are_not_kept(tmp_path):
    encoder = Counting()
    texts = ["reset lamp", "hold", "reset lamp"]
    first = CachedEncoder(encoder, tmp_path / "vectors.sqlite").encode(texts)
    again = CachedEncoder(encoder, tmp_path / "vectors.sqlite").encode([*texts, "pair"])
    assert encoder.encoded == ["reset lamp", "hold", "pair"]
    np.testing.assert_array_equal(first, Topics().encode(texts))
    np.testing.assert_array_equal(again[:3], first)
    assert b"lamp" not in (tmp_path / "vectors.sqlite").read_bytes()


def test_vectors_of_another_version_are_not_taken(tmp_path):
    newer = Counting()
    newer.version = "2"
    for encoder in (Counting(), newer):
        CachedEncoder(encoder, tmp_path / "vectors.sqlite").encode(["hold"])
    assert newer.encoded == ["hold"]
    assert CachedEncoder(newer, tmp_path / "vectors.sqlite").encode([]).shape == (0, 8)


def test_the_embedded_encoder_tells_real_paraphrases_and_neither_dates_nor_scripts_it_cannot_read():
    encoder = load_encoder(EMBEDDED_ENCODER, exact=True)
    asked = pl.Series(
        [
            "how to get length of numpy array",
            "what is the tallest mountain in the world",
            "who plays the role of nelson mandela in long walk to freedom",
            "i would like to book a house where i can check out on march 14th",
            "你好",
        ]
    )
    others = pl.Series(
        [
            "how to get numpy array length",
            "what is the highest mountain in the world",
            "who played nelson mandela in the long walk to freedom",
            "i want to book a house that i can check out on march 9th",
            "คุณคือใคร แนะนําตัวให้ฟังหน่อย",
        ]
    )
    assert nearest_in_meaning(asked, others, encoder).select("row", "other").rows() == [(0, 0), (1, 1), (2, 2)]
    cosines = (encoder.encode(asked.to_list()) * encoder.encode(others.to_list())).sum(axis=1)
    assert (cosines >= SAME_MEANING).all()


def test_a_model_reads_questions_as_they_are_written_and_numbers_are_told_apart():
    encoder = Counting()
    asked, other = pl.Series(["退 货 30 天 reset"]), pl.Series(["退 货 60 天 reset"])
    assert nearest_in_meaning(asked, other, encoder).is_empty()
    assert nearest_in_meaning(asked, asked, encoder).height == 1
    assert "退货30天reset" in encoder.encoded
