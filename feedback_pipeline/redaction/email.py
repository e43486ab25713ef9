"""E-mail addresses, also those written out to hide them from machines."""

from feedback_pipeline.redaction.detector import Detector, any_of, matches

# RFC 5321, without quoted local parts. `git@…:` is how repositories are named.
_PLAIN = (
    r"(?<![\w.+%'!#$&*/=?^`{|}~-])(?!git@)[\w+](?:[\w.+%'!#$&*/=?^`{|}~-]{0,62}[\w+%'_~-])?"
    r"@(?:[\w-]{1,63}\.){1,8}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,40})(?<!\.service)(?![\w@])"
)
_AT = r"(?:\s{0,2}[\[({<]\s?at\s?[\])}>]\s{0,2}|\sat\s)"
_DOT = r"(?:\s{0,2}[\[({<]\s?dot\s?[\])}>]\s{0,2}|\sdot\s|\.)"
_DOMAIN = r"(?!www)[\w-]{1,63}"
_ENDING = r"(?:com|org|net|edu|gov|info|io|ai|dev|co|me|us|uk|de|fr|es|it|nl|pl|br|in|eu|ch|at|be|se|ca|au)\b"
_WRITTEN_OUT = (
    rf"(?i)\b[\w+-][\w.+-]{{0,62}}{_AT}(?=\S{{0,63}}(?:\s{{0,2}}[\[({{<]"
    rf"|\s)\s?dot){_DOMAIN}(?:{_DOT}[\w-]{{1,63}}){{0,3}}{_DOT}{_ENDING}"
)

EMAILS = (
    Detector(
        "EMAIL",
        (r"@|(?i)[\[({<\s]at[\])}>\s].{0,80}[\[({<\s]dot[\])}>\s]",),
        any_of(matches(_PLAIN), matches(_WRITTEN_OUT)),
        str.lower,
    ),
)
