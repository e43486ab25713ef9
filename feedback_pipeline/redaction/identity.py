"""Numbers that states give to people: by checksum where their form gives them away, else by the words before them."""

import re
from collections.abc import Callable

from stdnum.ar import cuit
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.cz import rc
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.ie import pps
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.pl import pesel
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.us import itin, ssn
from stdnum.za import idnr

from feedback_pipeline.redaction.detector import Detector, any_of, compact, near, where

# Forms that other numbers do not have, and what makes one valid. Digits without separators need a cue.
_SELF_EVIDENT: tuple[tuple[str, Callable[[str], bool]], ...] = (
    (r"\d{3}-\d{2}-\d{4}", lambda text: ssn.is_valid(text) or itin.is_valid(text)),
    (r"\d{3}-\d{3}-\d{3}|\d{3} \d{3} \d{3}", sin.is_valid),
    (r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]", bool),  # UK, NINO
    (r"\d{7}[A-W][A-IW]?", pps.is_valid),
    (r"\d{8}-?[A-HJ-NP-TV-Z]", dni.is_valid),
    (r"[XYZ]-?\d{7}-?[A-Z]", nie.is_valid),
    (r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", codicefiscale.is_valid),
    (r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", nir.is_valid),
    (r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", nn.is_valid),
    (r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", hetu.is_valid),
    (r"(?:\d{2})?\d{6}[-+]\d{4}", personnummer.is_valid),
    (r"\d{6}/\d{3,4}", rc.is_valid),
    (r"756\.\d{4}\.\d{4}\.\d{2}", ahv.is_valid),
    (r"\d{3}\.\d{3}\.\d{3}-\d{2}", cpf.is_valid),
    (r"\d{2}-\d{8}-\d", cuit.is_valid),
    (r"\d{1,2}\.\d{3}\.\d{3}-[\dKk]", rut.is_valid),
    (r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", curp.is_valid),
    (r"[2-9]\d{3} \d{4} \d{4}", aadhaar.is_valid),
    (r"\d{17}[\dX]", ric.is_valid),
    (r"\d{6}-[1-8]\d{6}", rrn.is_valid),
    (r"\d{13}", lambda text: idnr.is_valid(text) or cnp.is_valid(text)),
    (r"\d{11}", pesel.is_valid),
)
_DIGITS = r"\d(?:[A-Z .\-/]{0,2}\d){4}"


def _alone(form: str) -> str:
    return rf"(?<![\w.+\-/=])(?<!\d[ ,])(?:{form})(?![\w-]|[., ]\d)"


_ANY_FORM = near(_alone("|".join(form for form, _ in _SELF_EVIDENT)), _DIGITS, 12, 24)
_SEARCHES = [near(_alone(form), _DIGITS, 12, 24, is_valid) for form, is_valid in _SELF_EVIDENT]

_CUES = (
    r"social(?: security| insurance)?(?: number| no\.?| #)?|ssn|sin|itin|tin"
    r"|tax(?:payer)?(?: id(?:entification)?| file)?"
    r"|national(?: insurance| id(?:entity|entification)?)?|nino?|nhs|medicare|medicaid|passport|visa number"
    r"|driv(?:er|ing)(?:'?s|s')? ?(?:licen[cs]e|permit)|dl|identity(?: card| number| no)|id (?:card|number"
    r"|no\.?|#)|citizen(?:ship)?(?: id)?"
    r"|aadhaar|aadhar|pan(?: card)?|voter(?: id)?|cpf|rg|cnpj|dni|nie|nif|curp|rfc|rut|run|cuit|cuil|cédula|cedula"
    r"|personnummer|personalausweis\w*|reisepass\w*|steuer-?id\w*|sozialversicherung\w*|ausweis\w*|codice fiscale"
    r"|carta d'identità|numéro de sécurité sociale|sécurité sociale|nir|carte d'identité|passeport|pasaporte|passaporto"
    r"|bsn|burgerservicenummer|rijksregisternummer|cpr|fødselsnummer|fodselsnummer|pesel|nip|cnp|rodné číslo"
    r"|egn|oib|amka|tc kimlik|tckn"
    r"|my ?number|teudat zehut|emirates id|nric|hkid|medical record|mrn|patient id"
)
# Of languages that write no spaces, or hang particles on a word: it may stand between letters.
_UNSPACED_CUES = (
    r"身份证|身分證|护照|護照|驾驶证|駕駛證|驾照|社保|港澳通行证|マイナンバー|個人番号|免許証|パスポート番号|年金番号"
    r"|주민등록번호|주민번호|여권|운전면허|บัตรประชาชน|หนังสือเดินทาง|आधार|पासपोर्ट|جواز السفر|الهوية|תעודת זהות|דרכון"
)
_VALUE = (
    r"(?P<value>(?=(?:[^\d\n]{0,3}\d){5})"
    r"(?i:[A-Z0-9]{1,20}(?:[ .\-/]{0,2}\d[\dA-Z]{0,17}){0,7})(?:[ -][A-Z](?![\w'’]))?)"
)
_AFTER_CUE = (
    rf"(?i:(?<![^\W_])(?:{_CUES})(?![^\W_])(?:[ -](?:card|number|no|nr|num|id|code|n[°º]))*\.?"
    rf"(?:\s{{0,2}}[:#=]|\s(?:is|was|ist|est|es|è|é|er|är))?\s{{0,2}}[:#\"'(]?\s{{0,2}}){_VALUE}(?![\w-])"
)

_AFTER_UNSPACED_CUE = rf"(?:{_UNSPACED_CUES})[^\W\d_a-zA-Z]{{0,8}}\s{{0,2}}[:：#(（]?\s{{0,2}}{_VALUE}(?![\w-])"


def _has_enough_digits(text: str) -> bool:
    return 5 <= len(re.sub(r"\D", "", text)) <= 20


# What is called a person's number is one, whatever else it looks like.
_CALLED = any_of(*(near(cued, _DIGITS, 80, 40, _has_enough_digits) for cued in (_AFTER_CUE, _AFTER_UNSPACED_CUE)))
CALLED_IDENTITY = (Detector("ID", (_DIGITS,), _CALLED, compact),)
IDENTITY = (Detector("ID", (_DIGITS,), where(_ANY_FORM, any_of(*_SEARCHES)), compact),)
