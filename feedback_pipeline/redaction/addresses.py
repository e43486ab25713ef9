"""Postal addresses: a house number with a street, as countries write them, and the town and code that follow."""

import re
from collections.abc import Iterator

from feedback_pipeline.redaction.detector import Detector, Span, without_overlap

_WORD = r"[^\W\d_][\w'’.-]{0,24}"
_CAPITAL = r"[^\W\d_a-z][\w'’.-]{0,24}"
_NAME = rf"(?:{_CAPITAL}|\d{{1,3}}(?:st|nd|rd|th))"
_NUMBER = r"\d{1,6}[A-Za-z]?(?:[-–/]\d{1,4}[A-Za-z]?)?"
# A year stands behind many words that could be streets.
_HOUSE = r"(?!(?:1[5-9]|20)\d\d\b)\d{1,4}[A-Za-z]?(?:[-–/]\d{1,4}[A-Za-z]?)?(?![\w%]|[.,]\d)"

# Words that end a street's name, most of them in appendix C1 of the US Postal Service's publication 28.
_COMMON = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq|Terrace|Parkway|Pkwy"
    "|Circle|Cir|Highway|Hwy|Crescent|Close|Mews|Trail|Turnpike"
)
# These end other names too, and count with a unit or a code behind them.
_RARE = (
    "Alley|Annex|Arcade|Bend|Bluff|Branch|Bridge|Brook|Burg|Bypass|Camp|Canyon|Cape|Causeway|Center|Centre|Cliff|Club"
    "|Common|Corner|Course|Cove|Creek|Crest|Crossing|Crossroad|Curve|Dale|Dam|Divide|Estate|Expressway|Extension|Fall"
    "|Ferry|Field|Flat|Ford|Forest|Forge|Fork|Fort|Freeway|Garden|Gateway|Glen|Green|Grove|Harbor|Haven|Heights|Hill"
    "|Hollow|Inlet|Island|Isle|Junction|Key|Knoll|Lake|Landing|Light|Loaf|Lock|Lodge|Loop|Mall|Manor|Meadow|Mill"
    "|Mission|Motorway|Mount|Mountain|Neck|Orchard|Oval|Overpass|Park|Pass|Passage|Path|Pike|Pine|Plain|Plaza|Point"
    "|Port|Prairie|Quay|Radial|Ramp|Ranch|Rapid|Rest|Ridge|River|Route|Row|Run|Shoal|Shore|Skyway|Spring|Spur"
    "|Station|Stravenue|Stream|Summit|Throughway|Trace|Track|Trafficway|Tunnel|Underpass|Union|Valley|Via|Viaduct"
    "|View|Village|Ville|Vista|Walk|Wall|Well|Wharf"
)
_COMPOUND = "straße|strasse|str\\.|gasse|weg|platz|allee|ufer|straat|laan|plein|gracht|gatan|vägen|veien|vej|katu"
_FRENCH = "rue|avenue|av\\.|boulevard|bd|chemin|allée|impasse|place|quai|route|cours"
_ROMANCE = (
    "Calle|C/|Avenida|Avda\\.?|Paseo|Plaza|Camino|Carrer|Rua|Av\\.|Travessa|Alameda|Praça|Via|Viale|Piazza|Corso|Vicolo"
    "|Largo|ul\\.|ulica|aleja"
)

_UNIT = (
    r"(?:,?\s{1,3}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room|Rm|Studio|App|Piso|Apto|#)\.? ?#?(?:\d\w{0,5}"
    r"|[A-Z]\d{0,4})\b)"
)
_TOWN = rf"{_CAPITAL}(?: {_WORD}){{0,4}}"
_CODE = (
    r"(?:[A-Z]{2}[, ]{1,2}\d{5}(?:-\d{4})?|\d{4,6}(?:-\d{3,4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
    r"|[A-Z]\d[A-Z] ?\d[A-Z]\d)"
)
_EUROPEAN_CODE = r"(?:(?!(?:1[5-9]|20)\d\d(?!\d))\d{4,6}|\d{3} \d{2}|\d{2}-\d{3}|\d{4} ?[A-Z]{2})(?!\w)"
_GAP = r"[, \t]{0,3}\n?[ \t>,?]{0,6}"
# Up to three lines between the street and the code, and a town behind it.
_TAIL = rf"(?:{_GAP}(?:{_TOWN}{_GAP}){{0,3}}{_CODE}(?:,? ?\n?{_TOWN})?(?!\w))"
_TOWN_ONLY = rf"(?:, {_TOWN}(?:, [A-Z]{{2}}\b)?)"

_ENGLISH = rf"{_NUMBER},? (?:[NSEW]{{1,2}}\.? )?(?:{_NAME} ){{1,3}}"
_STREETS = (
    rf"{_ENGLISH}(?:{_COMMON})s?(?![\w'’])\.?",
    rf"(?:{_CAPITAL}[ -]){{0,2}}(?:[^\W\d_a-z][\w-]{{1,30}}(?:{_COMPOUND})|(?:Straße|Platz|Allee|Weg)) {_HOUSE}",
    rf"{_NUMBER}(?: (?:bis|ter))?,? (?:{_FRENCH}) (?:(?:de|du|des|la|le|les|aux?|et"
    rf"|[ld]['’]) ?){{0,3}}{_CAPITAL}(?: {_WORD}){{0,3}}",
    rf"(?:{_ROMANCE}) (?:{_WORD} ){{0,4}}{_WORD},? {{0,2}}(?:n[°º.]? ?)?{_HOUSE}",
    r"(?:P\.? ?O\.? Box|Postfach|Apartado|Casella Postale|BP) \d{1,6}|(?:PSC|Unit|CMR) \d{1,5},? (?:Box|BOX) \d{1,5}",
)
_START = r"(?<![\w.\-/$€£])"
_PATTERNS = (
    *(rf"{_START}(?:{street}){_UNIT}?(?:{_TAIL}|{_TOWN_ONLY})?" for street in _STREETS),
    rf"{_START}{_ENGLISH}(?:{_RARE})s?(?![\w'’])\.?(?:{_UNIT}(?:{_TAIL}|{_TOWN_ONLY})?|{_TAIL})",
    # A street and its number, and on the next line or after a comma code and town; the other way round in English.
    rf"{_START}(?:{_NAME}[ -]){{0,4}}{_CAPITAL},? {_HOUSE}(?:, ?"
    rf"|[ ,]?\n)(?:[^\n]{{0,30}}\n)?{_EUROPEAN_CODE},? {_TOWN}",
    rf"{_START}{_NUMBER},? (?:{_NAME} ){{1,3}}{_CAPITAL},?[ ]?\n{_TOWN},? (?:[A-Z]{{2,3}},? )?(?:\d{{4,6}}"
    rf"|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?!\w)",
    rf"{_START}{_NUMBER} (?=[^\W\d_a-z]|\d)[^\n,]{{3,60}}?{_UNIT}(?:{_TAIL}|{_TOWN_ONLY})?",
    r"\b(?:A[AEKLPRSZ]|C[AOT]|D[CE]|F[LM]|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEHINOPST]|N[CDEHJMVY]|O[HKR]|P[ARW]|RI|S[CD]"
    r"|T[NX]|UT|V[AIT]|W[AIVY]),? \d{5}(?:-\d{4})?(?![\w-])",
    r"(?<![\w-])(?:[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d[\dA-Z]?|\d[A-Z]) \d[ABD-HJLNP-UW-Z]{2})(?![\w-])",
)
_STATED = re.compile(
    r"(?i)(?:\b(?:my|our|home|billing|shipping|delivery|postal|mailing|new|his|her|their) address(?:es)?(?: is|:| to)"
    r"|^address:|\bi(?: now)? live (?:at|on)|\blives at|\bwohne in|\bj'habite(?: au)?|\bvivo en|\babito in"
    r"|\bmoro na)\s{0,3}:?\s{0,3}"
    r"(?P<value>[^\n.?!<]{0,12}\d[^\n?!<]{4,100}?)(?=\.(?:\s|$)|[\n?!<]|$| and | but )",
    re.MULTILINE,
)
_SEARCHES = [re.compile(pattern) for pattern in _PATTERNS]


def _addresses(text: str) -> Iterator[Span]:
    spans = [match.span() for search in _SEARCHES for match in search.finditer(text)]
    spans += [match.span("value") for match in _STATED.finditer(text) if re.search(r"[^\W\d_]{3}", match["value"])]
    return without_overlap(spans)


# ASCII's word boundary lets Polars' search keep to its fast path.
_END = r"(?-u:\b)"
_UNIT_WORDS = "Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room|Rm|Studio|App|Piso|Apto"
# Literals, which a text is searched for fastest; then what must stand around them.
_ROUGH_HINT = (
    rf" (?:{_COMMON}){_END}|(?:{_COMPOUND}|Straße|Platz|Allee|Weg) \d|\d,? (?:bis |ter )?(?:{_FRENCH}) |(?:{_ROMANCE}) "
    rf"|(?:Box|BOX|Postfach|Apartado|Postale|BP) \d|[A-Z],? \d{{5}}|[A-Z\d] \d[A-Z]{{2}}{_END}"
    rf"|\s(?:(?:{_UNIT_WORDS})\.? ?#?|#)[A-Z\d]"
    r"|\d[A-Za-z]?(?:, ?|[ ,]?\n)(?:[^\n]{0,30}\n)?(?:\d{4}|\d{3} \d{2}|\d{2}-\d{3})"
    r"|\d \p{Lu}[^\n]{2,40}\n\p{Lu}[^\n]{1,40}\d"
    r"|[Aa]ddress|ADDRESS|lives? (?:at|on) |wohne in|habite|vivo en|abito in|moro na"
)
_HINT = (
    rf"[\p{{Lu}}\d]\S* (?:{_COMMON}){_END}|(?:{_COMPOUND}|Straße|Platz|Allee|Weg) \d|\d,? (?:bis |ter )?(?:{_FRENCH}) "
    rf"|(?:{_ROMANCE}) [^\n]{{1,90}}\d|(?:Box|BOX|Postfach|Apartado|Postale|BP) \d"
    rf"|{_END}[A-Z]{{2}},? \d{{5}}|{_END}[A-Z]{{1,2}}[A-Z\d]{{1,2}} \d[A-Z]{{2}}{_END}"
    rf"|\d [^\n,]{{3,60}},?\s{{1,3}}(?:(?:{_UNIT_WORDS})\.? ?#?|#)[A-Z\d]"
    rf"|\d[^\n]{{0,12}} [^\n]{{1,60}}(?:{_RARE})s?[.,]?\s"
    r"|\d[A-Za-z]?(?:, ?|[ ,]?\n)(?:[^\n]{0,30}\n)?(?:\d{4}|\d{3} \d{2}|\d{2}-\d{3})"
    r"|\d \p{Lu}[^\n]{2,40}\n\p{Lu}[^\n]{1,40}\d"
    r"|(?i)address(?:es)?(?: is|:| to)|lives? (?:at|on) |wohne in|j'habite|vivo en|abito in|moro na"
)

ADDRESSES = (Detector("ADDRESS", (_ROUGH_HINT, r"\d", _HINT), _addresses, lambda text: " ".join(text.split()).lower()),)
