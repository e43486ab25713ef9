"""Words that hardly leave a doubt about the reason, whatever stands around them."""

import re

EXTRACTOR = "reason_rules 1"
# A prior, not a measured share: the same hand wrote the rules and the texts that they could be held against.
AGAINST = 0.95
# In a long text, or a question, the words may be about something else than the answer.
LONGEST = 240

_PATTERNS = {
    "factually_incorrect": r"factual(?:ly)? (?:incorrect|wrong|inaccurate|errors?)|hallucinat(?:ed|es|ing|ions?)"
    r"|(?:that|this|it|answer|information|info) (?:is|was) (?:simply |completely |totally )?"
    r"(?:incorrect|inaccurate|untrue|factually)|out ?dated info(?:rmation)?",
    "incomplete": r"(?:answer|response|reply|list|it|this) (?:is|was|looks) incomplete"
    r"|incomplete (?:answer|response|list)|(?:was|got|gets|is) (?:cut off|truncated)"
    r"|cuts? off (?:mid|in the middle|half)\w*",
    "too_vague": r"(?:too|very|so|really|rather) (?:vague|generic|unspecific|superficial|high[- ]level)"
    r"|not (?:specific|detailed) enough|be more (?:specific|concrete)",
    "wrong_tone": r"too (?:formal|informal|casual|rude|salesy|preachy|harsh|stiff|pushy)|condescending|patroni[sz]ing"
    r"|passive[- ]aggressive|(?:wrong|bad|inappropriate) tone|tone (?:is|was) (?:wrong|off|rude|bad)",
    "misread_intent": r"not what i (?:asked|meant|was asking)|mis(?:understood|interpreted|read) (?:my|the|me)\b"
    r"|(?:did|does)(?:n't| not) (?:answer|understand) (?:my|the) (?:actual )?question"
    r"|(?:ignored|did(?:n't| not) follow) (?:my|the) instructions?",
    "irrelevant": r"off[- ]topic|irrelevant|(?:nothing|not(?:hing)? anything) to do with (?:my|the|what)"
    r"|unrelated to (?:my|the)",
    "redundant": r"(?:too|way too|very|far too) (?:long[- ]?winded|wordy|verbose|repetitive|long(?=[.!,;]|$))"
    r"|repeats? itself|repeat(?:s|ing) the same",
    "unsafe": r"(?:dangerous|unsafe|harmful) (?:advice|instructions?|suggestions?|recommendations?|answer|content)"
    r"|(?:is|was) (?:racist|sexist|hateful)|hate speech",
    "unwarranted_refusal": r"(?:it|bot|assistant|model|ai|you) (?:just |simply )?(?:refuse[sd]?|declined?s?) to"
    r"|(?:unnecessary|unwarranted|unjustified|needless) refusal|refused (?:for no reason|a harmless)",
    "formatting": r"(?:bad|broken|poor|terrible|wrong|messed[- ]up) (?:formatting|markdown|layout|indentation)"
    r"|(?:formatting|markdown|layout|indentation) (?:is|was) (?:bad|broken|off|wrong|messed)",
    "product_issue": r"(?:app|site|website|page|chat) (?:\w+ )?(?:crash(?:es|ed|ing)?|fr[eo]ez(?:es|ing)?|froze)"
    r"|(?:app|site|website|server) is down|internal server error|can(?:'t|not) (?:log|sign) in",
    "other": r"contradicts itself|gibberish|incoherent",
}
_RULES = {reason: re.compile(rf"\b(?:{pattern})", re.IGNORECASE) for reason, pattern in _PATTERNS.items()}
_DENIED = re.compile(
    r"\b(?:not|never|no|without|isn't|wasn't|didn't|doesn't|don't|hardly|nothing|if|avoid)(?: \w+){0,2} $",
    re.IGNORECASE,
)


def certain_reason(text: str) -> str | None:
    """The reason that the words of one rule name, where no other rule's do and nothing denies them."""
    if len(text) > LONGEST or "?" in text:
        return None
    said = text.replace("\u2019", "'")
    found = {
        reason
        for reason, rule in _RULES.items()
        if (match := rule.search(said)) and not _DENIED.search(said[: match.start()])
    }
    return found.pop() if len(found) == 1 else None
