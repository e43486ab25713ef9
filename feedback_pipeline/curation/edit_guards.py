"""Replacements that read like answers and are none: remarks about the answer, refusals, mere cuts, other languages."""

import polars as pl

from feedback_pipeline.curation.normal_form import normal_form
from feedback_pipeline.languages import language

# A remark or a refusal is short; what is longer says something besides.
_REMARK_WORDS, _REFUSAL_WORDS = 25, 60
_LANGUAGE_CHARACTERS, _LANGUAGE_CERTAINTY = 40, 0.95

_SUBJECT = (
    r"(?:(?:this|that|it|which|(?:the|your|this|that) (?:\w+ )?(?:answer|response|reply|information|statement|part))"
)
_VERDICT = (
    r"(?:wrong|incorrect|false|untrue|inaccurate|misleading|outdated|bad|poor|terrible|awful|useless|unhelpful|nonsense"
    r"|irrelevant|incomplete|confusing|vague|generic|unclear|garbage|rubbish|hallucinat\w+|made up|off topic"
    r"|not (?:\w+ )?(?:right|correct|true|accurate|helpful|useful|what i (?:asked|meant|wanted)\w*|good|relevant|clear)"
    r"|(?:too|way too|overly) \w+)"
)
_DEGREE = r"(?:(?:just|simply|totally|completely|very|really|quite|plain|partly|factually|so|still|all) ){0,2}"
_REMARK = (
    rf"^(?:(?:no|nope|sorry|well|hm+|um) )?(?:{_SUBJECT}(?: is| was| are| s)|isn t|seems|looks|sounds"
    rf"|reads)? )?{_DEGREE}{_VERDICT}\b"
    r"|^(?:no|nope|wrong|incorrect|bad answer|try again|fix (?:this|it)|please (?:fix|rewrite|redo|correct"
    r"|check|explain"
    r"|elaborate|be more|try|make it|add|remove|shorten)\b.*)$"
    r"|^(?:you|it|the (?:answer|response)|this) (?:forgot|missed|misses|should(?: have)?|needs? to|must|could"
    r"|failed|did"
    r" not|didn t|does not|doesn t|ignored|repeat\w*)\b"
    r"|^(?:should|needs? to|must) (?:be|mention|include|say|have|explain|use)\b"
    r"|^i (?:don t|do not|didn t|did not) (?:like|agree|understand|think|want|ask)\b"
)
_REFUSAL = (
    r"^(?:(?:i m|i am|we are|we re) (?:very |so |really )?sorry\b.*\b(?:can t|cannot|can not|unable|not able|won t)\b"
    r"|(?:unfortunately |sorry )?(?:i|we) (?:can t|cannot|can not|won t|will not|am unable|m unable|am not able"
    r"|m not able|don t feel"
    r" comfortable) .*\b(?:help|assist|answer|provide|discuss|do that|comply|fulfil\w*|support|give|share"
    r"|respond|continue)\b"
    r"|as an ai\b.*\b(?:can t|cannot|can not|unable|not able|don t|do not)\b)"
)


def guarded_fault() -> pl.Expr:
    """Why `wanted` is no answer in place of `response`; null where it may be one.

    Whole replacements only (`range_start` is null) are read as remarks: a passage may be replaced by anything.
    """
    wanted, response = normal_form(pl.col("wanted")), normal_form(pl.col("response"))
    length = wanted.str.count_matches(" ") + 1
    whole = pl.col("range_start").is_null()
    only_cut = (response.str.starts_with(wanted) | response.str.ends_with(wanted)) & (wanted != "")
    same_words = wanted.str.split(" ").list.unique().list.sort() == response.str.split(" ").list.unique().list.sort()
    only_longer = same_words & (wanted.str.len_chars() >= 1.5 * response.str.len_chars())
    return (
        pl.when(whole & (length <= _REMARK_WORDS) & wanted.str.contains(_REMARK))
        .then(pl.lit("comment_not_answer"))
        .when((length <= _REFUSAL_WORDS) & wanted.str.contains(_REFUSAL))
        .then(pl.lit("refusal"))
        .when(whole & (wanted != response) & (only_cut | only_longer))
        .then(pl.lit("length_only_edit"))
        .when(_in_another_language())
        .then(pl.lit("other_language"))
    )


def _in_another_language() -> pl.Expr:
    texts = pl.struct("wanted", "response")
    long = pl.all_horizontal(
        pl.col(name).str.len_chars().fill_null(0) >= _LANGUAGE_CHARACTERS for name in ("wanted", "response")
    )
    return long & texts.map_batches(_languages_differ, return_dtype=pl.Boolean)


def _languages_differ(texts: pl.Series) -> pl.Series:
    pairs = ((row["wanted"] or "", row["response"] or "") for row in texts)
    return pl.Series([_differ(*pair) for pair in pairs], dtype=pl.Boolean)


def _differ(wanted: str, response: str) -> bool:
    (code, certainty), (other, other_certainty) = language(wanted), language(response)
    return code != other and min(certainty, other_certainty) >= _LANGUAGE_CERTAINTY
