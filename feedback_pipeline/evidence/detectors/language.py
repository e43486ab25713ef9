"""The user went on in another language: the answer may have come in the wrong one."""

import polars as pl

from feedback_pipeline.evidence.detectors.conversations import Conversations, Detector, reactions

_SCRIPTS = {
    "kana": r"[\p{Hiragana}\p{Katakana}]",
    "han": r"\p{Han}",
    "hangul": r"\p{Hangul}",
    "cyrillic": r"\p{Cyrillic}",
    "arabic": r"\p{Arabic}",
    "hebrew": r"\p{Hebrew}",
    "greek": r"\p{Greek}",
    "devanagari": r"\p{Devanagari}",
    "thai": r"\p{Thai}",
}
# Words that are frequent in one language and not words of the others.
_STOP_WORDS = {
    "en": "the and is of to what how with for you are this that my can do does it in please which",
    "de": "der die das und ist nicht wie ich ein eine mit für auf kann sie bitte welche wird zu auch warum",
    "fr": "le les et est pas une des pour que qui avec dans je vous comment quel quelle pourquoi du ce cette",
    "es": "el los las y es una por qué cómo con para puedo cuál mi muy pero porque está hola del",
    "it": "il gli è una per che come con di non sono posso qual mio perché della questo anche ciao",
    "pt": "o os é uma não como para com você meu qual posso por favor isso está mais porque da do",
    "nl": "het een en niet hoe ik van met voor kan wat welke zijn mijn deze waarom ook maar naar je",
}
_READ = 300
_LEAST_WORDS = 3


def language(text: pl.Expr) -> pl.Expr:
    """Script or language of a text, null where it cannot be told: too short, code, or a language unknown here.

    A script tells by itself from three characters on, and kana before Han, which Japanese mixes with it; a
    Latin text by its most frequent stop words, three at least and twice as many as of any other language.
    """
    start = text.str.slice(0, 2 * _READ).str.replace_all(r"(?s)```.*?(?:```|$)", " ").str.slice(0, _READ)
    words = start.str.to_lowercase()
    found = {code: words.str.count_matches(rf"\b(?:{of.replace(' ', '|')})\b") for code, of in _STOP_WORDS.items()}
    result = pl.lit(None, pl.String)
    for code, count in found.items():
        rest = pl.max_horizontal(other for name, other in found.items() if name != code)
        result = pl.when((count >= _LEAST_WORDS) & (count >= 2 * rest)).then(pl.lit(code)).otherwise(result)
    for name, script in reversed(_SCRIPTS.items()):
        result = pl.when(start.str.count_matches(script) >= _LEAST_WORDS).then(pl.lit(name)).otherwise(result)
    return result


def _maybe_foreign(text: pl.Expr) -> pl.Expr:
    """A cheap first look, which most messages do not pass: a switch has one side that is not English."""
    start = text.str.slice(0, 2 * _READ)
    other = "|".join(of.replace(" ", "|") for code, of in _STOP_WORDS.items() if code != "en")
    return start.str.contains(r"[^\x00-\x7F]") | (start.str.count_matches(rf"(?i)\b(?:{other})\b") >= _LEAST_WORDS)


def detect(given: Conversations) -> pl.DataFrame:
    """A sure sign only where the answer itself was not in the language of its question."""
    texts = ("question", "previous_question")
    followups = given.followups.filter(pl.any_horizontal(_maybe_foreign(pl.col(name)) for name in texts))
    told = followups.with_columns(language(pl.col(name)).alias(f"{name}_language") for name in texts)
    switched = told.filter(pl.col("question_language") != pl.col("previous_question_language"))
    answered = switched.with_columns(answer_language=language(pl.col("previous_response")))
    amiss = (pl.col("answer_language") != pl.col("previous_question_language")).fill_null(False)
    score = pl.when(amiss).then(1.0).otherwise(0.5)
    return reactions(answered, "language_switch", -1, score, 0.5 + 0.2 * score)


LANGUAGE_SWITCH = Detector("1", detect)
