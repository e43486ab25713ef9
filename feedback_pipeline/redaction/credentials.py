"""Keys, tokens and passwords: by the public formats of their issuers, or by the words before them."""

import math
import re
from collections import Counter

from feedback_pipeline.redaction.detector import Detector, Span, any_of, matches

# Repetitions are bounded where another attempt could begin inside them, so that no text takes quadratic time.
_ISSUED = (
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s\S]*?-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[\s\S]*)",
    r"\beyJ[\w-]{5,2000}\.[\w-]{5,4000}\.[\w-]{0,1000}",  # JSON web token, RFC 7519
    r"\b[spr]k[-_](?=[\w-]{0,200}\d)[\w-]{16,}",  # OpenAI, Anthropic, Stripe
    r"\b[spr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}|\bsk-(?:ant|proj|svcacct|admin)-[\w-]{16,}",
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})",  # GitHub
    r"\bgl(?:pat|rt|dt|cbt|ptt|soat)-[\w-]{16,}",  # GitLab
    r"\b(?:hf|api_org)_[A-Za-z0-9]{20,}",  # Hugging Face
    r"\b(?:gsk|xai|pplx|r8|nvapi|fw|csk|tgp_v1|AQ\.)[-_][A-Za-z0-9_-]{20,}",  # Groq, xAI, Perplexity, Replicate, NVIDIA
    r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",  # AWS
    r"\bAIza[\w-]{30,}",  # Google
    r"\b(?:ya29\.|GOCSPX-|1//0)[\w-]{20,}",  # Google OAuth
    r"\bxox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}",  # Slack
    r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]{20,}",
    r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d{10,}/[\w-]{20,}",
    r"\bwhsec_[A-Za-z0-9+/]{20,}",  # Stripe webhooks
    r"\bnpm_[A-Za-z0-9]{30,}",
    r"\bpypi-[\w-]{30,}",
    r"\brubygems_[0-9a-f]{30,}",
    r"\bSG\.[\w-]{16,100}\.[\w-]{16,}",  # SendGrid
    r"\b(?:AC|SK)[0-9a-f]{32}\b",  # Twilio
    r"\bkey-[0-9a-f]{32}\b",  # Mailgun
    r"\b[0-9a-f]{32}-us\d{1,2}\b",  # Mailchimp
    r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b",  # Shopify
    r"\bsq0(?:atp|csp|idp)-[\w-]{20,}|\bEAAA[\w-]{56,}",  # Square
    r"\bdo[opr]_v1_[0-9a-f]{60,}",  # DigitalOcean
    r"\bdapi[0-9a-f]{32}\b",  # Databricks
    r"\bdckr_[po]at_[\w-]{20,}",  # Docker
    r"\bhv[sbr]\.[\w-]{20,}",  # HashiCorp Vault
    r"\b\w{14}\.atlasv1\.[\w-]{60,}",  # Terraform Cloud
    r"\bATATT3[\w=-]{50,}",  # Atlassian
    r"\b(?:secret|ntn)_[A-Za-z0-9]{40,}",  # Notion
    r"\bfig[do]_[\w-]{30,}",  # Figma
    r"\bglsa_\w{30,}|\bglc_[A-Za-z0-9+/=]{30,}",  # Grafana
    r"\bsntry[su]_[\w+/=.-]{30,}",  # Sentry
    r"\blin_(?:api|oauth)_[A-Za-z0-9]{30,}",  # Linear
    r"\bPMAK-[0-9a-f-]{40,}",  # Postman
    r"\bNR(?:AK|II|JS|IQ)-[A-Za-z0-9-]{20,}",  # New Relic
    r"\bEAA[A-Z][A-Za-z0-9]{80,}",  # Meta
    r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",
    r"\b\d{8,10}:AA[\w-]{32,36}(?![\w-])",  # Telegram
    r"\b[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}",  # Discord
    r"(?<![\w+/])[A-Za-z0-9+/]{86}==",  # Azure account keys
    r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~-])",  # Microsoft Entra client secrets
    r"(?<=[?&]sig=)[A-Za-z0-9%+/=_-]{30,}",  # Azure shared access signatures
    r"(?<=[?&]X-Amz-Signature=)[0-9a-f]{64}",
)
# Literals, which a text is searched for fastest.
_ISSUED_HINT = (
    r"PRIVATE KEY|eyJ|sk-|sk_|rk_|pk_|pk-|ghp_|gho_|ghu_|ghs_|ghr_|github_pat_|glpat-|glrt-|gldt-|glcbt-|glptt-"
    r"|glsoat-|hf_|api_org_"
    r"|gsk_|xai-|pplx-|r8_|nvapi-|fw_|csk-|tgp_v1_|A3T|AKIA|ASIA|ABIA|ACCA|AIza|ya29\.|GOCSPX|1//0|xoxa|xoxb"
    r"|xoxe|xoxo|xoxp|xoxr|xoxs|xapp-"
    r"|hooks\.slack|api/webhooks|whsec_|npm_|pypi-|rubygems_|SG\.|key-|-us\d|shpat_|shpca_|shppa_|shpss_|sq0"
    r"|EAA|doo_v1|dop_v1|dor_v1"
    r"|dapi|dckr_|hvs\.|hvb\.|hvr\.|\.atlasv1\.|ATATT3|secret_|ntn_|figd_|figo_|glsa_|glc_|sntry|lin_|PMAK-"
    r"|NRAK-|NRII-|NRJS-|NRIQ-"
    r"|AGE-SECRET|\d:AA|==|Q~|sig=|X-Amz-Signature=|AC[0-9a-f]{32}|SK[0-9a-f]{32}|[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\."
)

_KEY_WORDS = (
    r"(?:api|access|secret|private|auth|account|shared|encryption|signing|license|master)[ _-]?(?:access[ _-]?)?keys?"
    r"|(?:api|access|auth|bearer|refresh|session|secret|bot|personal)[ _-]?(?:access[ _-]?)?tokens?|tokens?"
    r"|(?:client|app|consumer|webhook|shared)?[ _-]?secrets?|credentials?"
)
_PASSWORD_WORDS = r"pass(?:word|wd|code|phrase)?s?|pwd|contraseña|mot de passe|passwort|kennwort|senha|wachtwoord|hasło"
_IS = (
    r"[\"'`*]{0,3}\s{0,3}(?:(?:is|was|are|ist|est|es|è|to|for (?:[\w'-]{1,20} ){1,4}is)\s{1,3}|(?::=|=>"
    r"|[:=])\s{0,3})(?:[\"'`*]{1,3})?"
)
_CUED_KEY = rf"(?i)(?<![A-Za-z])(?:\w{{0,30}}_)?(?:{_KEY_WORDS}){_IS}(?P<value>[\w+/.~=-]{{16,500}})"
_CUED_PASSWORD = (
    rf"(?i)(?<![A-Za-z])(?:\w{{0,30}}_)?(?:{_PASSWORD_WORDS}){_IS}(?P<value>[^\s\"'`<>,;()\[\]{{}}*]{{5,80}})"
)
# Of languages that write no spaces, or hang particles on a word: it may stand between letters.
_UNSPACED_PASSWORD = r"(?:密码|密碼|口令|パスワード|暗証番号|비밀번호|รหัสผ่าน|पासवर्ड|كلمة المرور|كلمة السر|סיסמה|סיסמא)"
_AFTER_UNSPACED_PASSWORD = (
    rf"{_UNSPACED_PASSWORD}[^\d\na-zA-Z!-/]{{0,8}}[:：=]?\s{{0,3}}[\"'`*「“]{{0,3}}"
    r"(?P<value>(?:(?![\"'`<>,;()\[\]{}*])[!-~]){5,80})"
)
_BEARER = r"\b(?:[Bb]earer|[Bb]asic|[Tt]oken) {1,4}(?=\S{0,200}\d)(?P<value>[A-Za-z0-9._~+/-]{16,}=*)"  # RFC 6750, 7617
_IN_URL = r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{0,64}:(?P<value>(?!password@)[^\s:/@\"'<>]{3,128})@"
_CUE_HINT = (
    r"(?i)(?:key|token|secret|credential)s?[\"'`*]{0,3}\s{0,3}(?:[:=]|is|was|are|ist|est|es|è|to|for)"
    rf"|(?:{_PASSWORD_WORDS})[\"'`*]{{0,3}}\s{{0,3}}(?:[:=]|is|was|are|ist|est|es|è|to|for)"
    rf"|(?:bearer|basic|token) |://[^\s/@]{{0,64}}:[^\s/@]{{3,128}}@|{_UNSPACED_PASSWORD}"
)

# A key of 16 random letters and digits has about 3.6 bits a character; words and dotted names have less, or no digit.
_KEY_BITS = 3.0
_STAND_INS = re.compile(
    r"(?i)^\$|^[a-z_]\w*(?:\.[a-z_]\w*)+$|your|xxx|\*\*\*|\.\.\.|example|placeholder|changeme|getenv|environ"
    r"|process\.|self\.|config|<|\$\{|%s"
)


def _bits_a_character(text: str) -> float:
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def _is_random(value: str) -> bool:
    has_both = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    return bool(has_both) and not _STAND_INS.search(value) and _bits_a_character(value) >= _KEY_BITS


def _is_password(value: str) -> bool:
    """Whether it has what passwords are asked to have: a digit or sign among letters. Words and names have neither."""
    core = value.rstrip(".:!?")
    mixed = re.search(r"[A-Za-z]", core) and re.search(r"\d|[!@#%^&+~|?]", core)
    return bool(mixed) and len(core) >= 5 and not _STAND_INS.search(core)


def _trimmed_password(text: str) -> list[Span]:
    """A sentence's full stop after a password is not part of it."""
    spans = any_of(*(matches(cued, _is_password) for cued in (_CUED_PASSWORD, _AFTER_UNSPACED_PASSWORD)))(text)
    return [
        (start, stop - len(found) + len(found.rstrip(".:?"))) for start, stop in spans if (found := text[start:stop])
    ]


CREDENTIALS = (
    Detector("SECRET", (_ISSUED_HINT,), any_of(*(matches(pattern) for pattern in _ISSUED)), str),
    Detector(
        "SECRET",
        (_CUE_HINT,),
        any_of(matches(_CUED_KEY, _is_random), _trimmed_password, matches(_BEARER), matches(_IN_URL)),
        str,
    ),
)
