"""The patterns of `wording` in other languages: those that hardly mean anything else, and speak of the answer.

Written by hand, and few: how often people bear them out is what calibration tells, as of every detector.
"""

from importlib import resources

import polars as pl
import yaml

_FILE = resources.files(__package__).joinpath("wording_elsewhere.yaml")
_WRITTEN: dict[str, dict[str, dict[str, list[str]]]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
# In place of `\b`, at which Rust's search leaves its fast path where a text has an umlaut.
_BEFORE, _AFTER = r"(?:^|[ .,;:!?()\"'¿¡…-])", r"(?:[ .,;:!?()\"'…-]|$)"


def _patterns(act: str) -> str:
    """All that performs an act, in one regular expression."""
    spaced, unspaced = (
        [pattern for acts in _WRITTEN[writing].values() for pattern in acts[act]] for writing in ("spaced", "unspaced")
    )
    words = [f"^{each[1:]}{_AFTER}" if each.startswith("^") else f"{_BEFORE}(?:{each}){_AFTER}" for each in spaced]
    return "|".join([*words, *unspaced])


_PATTERNS = {act: _patterns(act) for act in next(iter(_WRITTEN["spaced"].values()))}
_ANY = "|".join(_PATTERNS.values())


def acts_elsewhere(openings: pl.Series) -> pl.DataFrame:
    """For each act of `wording` whether an opening performs it in one of these languages: booleans by act's name."""
    # One search for all acts: next to nobody of those who write English says any of it.
    places = openings.str.contains(_ANY).fill_null(False).arg_true()
    said = openings.gather(places)
    nobody = pl.repeat(False, len(openings), eager=True)
    return pl.DataFrame(
        {act: nobody.clone().scatter(places, said.str.contains(pattern)) for act, pattern in _PATTERNS.items()}
    )
