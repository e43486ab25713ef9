"""Scripts that are written without spaces: what stands between two spaces there is a sentence, not a word.

Their characters are taken for words, as BERT does with Chinese (Devlin et al., 2019, arXiv 1810.04805). Three of
them in a row say about what a word or two say elsewhere, so that whoever counts words is rather too careful.
"""

import polars as pl

# Blocks of Thai, Lao, Burmese, Khmer, Japanese and Chinese, for a class of any engine of regular expressions.
# Korean, Tibetan and Vietnamese have spaces or marks between words.
CHARACTERS = (
    "\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
# With the vowels and tones that stand on it.
_CHARACTER = rf"[{CHARACTERS}]\p{{M}}*"


def characters_apart(text: pl.Expr) -> pl.Expr:
    """`text` with spaces around every character of such a script; those of other scripts stay as they are."""
    return text.str.replace_all(f"({_CHARACTER})", " ${1} ")


def characters_together(text: pl.Expr) -> pl.Expr:
    """`text` without the spaces beside such characters, as people write and models read them."""
    return text.str.replace_all(f"({_CHARACTER}) +", "${1}").str.replace_all(f" +([{CHARACTERS}])", "${1}")
