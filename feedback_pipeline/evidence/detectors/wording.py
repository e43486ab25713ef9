"""Patterns of words by what they say about an answer: Rust regular expressions over `opening`.

The acts are those of naturally occurring feedback (arXiv 2407.10944). A strong pattern hardly means
anything else; a weak one often does. Patterns speak of the answer ("you", "that", "your answer"), never of
a topic, so that they hold for any product.
"""

import polars as pl

from feedback_pipeline.evidence.detectors.wording_elsewhere import acts_elsewhere

OPENING = 300

_YOU_DID = (
    r"(?:got|gave|made|misread|missed|mixed|confused|misunderstood|forgot|ignored|skipped|left out|dropped|omitted"
    r"|hallucinated|invented)"
)
_WRONG = (
    r"(?:wrong|incorrect|inaccurate|not right|not correct|not true|false|outdated|mistaken|off"
    r"|not what i (?:asked|meant"
    r"|wanted|said)|not it|isn't it|a mistake|nonsense)"
)
_NOT = r"(?:is not|isn't|was not|wasn't|are not|aren't|does not|doesn't|did not|didn't|do not|don't|cannot|can't)"
_THAT = r"(?:that|this|it|your (?:answer|response|reply|code|solution|example|summary|output)|the (?:answer|response))"

CORRECTION = (
    r"^(?:no|nope|nah|wrong|incorrect|actually)\b[,.!: -]+(?:(?:it|that|this|the|they|he|she|there|i|we|you|my"
    r"|in|use)\b)"
    r"|\bi (?:meant|mean|was asking (?:about|for)|asked (?:for|about|you)|wanted|said|was talking about"
    r"|was referring to)\b"
    r"|\bnot (?:the )?[\w' ]{2,30}, (?:but|i meant|i said)\b"
    r"|\b(?:it|that|this|the [\w ]{2,30}) (?:should|must|ought to) (?:be|have|read|say|return|use)\b"
    r"|\bthe (?:correct|right|actual|real) (?:\w+ )?(?:\w+ )?is\b"
    r"|\byou (?:should|must|need to|were supposed to) (?:have|use|be|say|include|mention)\b"
    r"|\bis actually\b",
    r"^(?:no|nope|wrong|actually)\b|\binstead of\b|\brather than\b|\bdon't (?:use|include|add|mention|write)\b",
)
COMPLAINT = (
    rf"\b{_THAT} (?:is|was|looks|seems|sounds|'s) (?:\w+ )?{_WRONG}\b|\b(?:that's|it's|this's) (?:\w+ )?{_WRONG}\b"
    rf"|\byou(?:'ve| have)? {_YOU_DID}\b|\byou (?:were|are|'re) {_WRONG}\b|\byou're {_WRONG}\b"
    rf"|\b{_THAT} {_NOT} (?:\w+ )?(?:work|help|answer|make sense|compile|run|correct|right|true|good|enough|useful"
    r"|complete|exist|relevant|what i)\b"
    r"|\b(?:still|again) (?:wrong|incorrect|not working|doesn't work|failing|fails|the same error)\b"
    r"|\b(?:same|another|new) error\b|\bthere (?:is|'s|are) (?:an |a |some )?(?:error|mistake|bug)s?\b"
    r"|\byou (?:did not|didn't|do not|don't|never|failed to) (?:answer|understand|read|listen|follow|mention"
    r"|include|give"
    r"|explain|do|address|provide)\b|\bnot (?:helpful|useful|good enough|what i asked)\b|\btry (?:it )?again\b"
    r"|\bare you sure\b|\bdouble[- ]check\b|\bfix (?:it|this|that|your)\b|^(?:wrong|incorrect)\b",
    r"\btoo (?:long|short|vague|generic|general|complicated|technical|verbose|formal|brief)\b"
    r"|\b(?:makes no sense|doesn't make sense)\b|\b(?:missing|incomplete)\b|\bgetting (?:an |this |the )?error\b"
    r"|\b(?:more|be) (?:specific|concise|precise)\b",
)
CLARIFICATION = (
    r"\bwhat (?:do|does|did) (?:you|that|this|it) mean\b|\bwhat (?:do|did) you mean\b"
    r"|\b(?:can|could|would) you (?:please )?(?:clarify|elaborate|explain (?:that|this|it|what you|why you|your))\b"
    r"|\bi (?:don't|do not|didn't|still don't) (?:understand|get|follow)\b|\bi'm (?:confused|lost"
    r"|not sure i (?:understand|follow))\b"
    r"|\b(?:please )?(?:clarify|elaborate)\b|\bcan you be more (?:specific|precise|clear)\b"
    r"|\bin (?:other|simpler|plain) words\b|\bwhy did you\b",
    r"^(?:huh|what|sorry|pardon|which one|how so|why)\s*[?!]*$|\b(?:explain|say) (?:that|this|it) (?:again|more|simpl)",
)
POSITIVE = (
    r"\b(?:thanks|thank you|thx|many thanks|much appreciated|appreciate (?:it|that|your))\b"
    r"|\b(?:that|this|it) (?:works|worked|helps|helped|did it|did the trick|makes sense|is (?:exactly|perfect"
    r"|great|helpful))\b"
    r"|\bexactly what i (?:needed|wanted|was looking for|meant)\b|\bproblem solved\b"
    r"|\b(?:great|good|nice|excellent|perfect) (?:answer|job|work|explanation|summary|response|one)\b"
    r"|\byou(?:'re| are) (?:right|correct|awesome|amazing|great|the best)\b",
    r"^(?:great|perfect|awesome|excellent|amazing|wonderful|nice|cool|brilliant|lovely|got it|ok great|good)\b"
    r"|\b(?:love|i (?:really |do |quite )?like) (?:it|this|that)\b",
)
ESCALATION = (
    r"\b(?:speak|talk|chat|connect me|transfer me|put me through|get me|escalate"
    r"|hand me over)\b[\w' ]{0,20}\b(?:human|person"
    r"|agent|representative|rep|someone|manager|supervisor|support|advisor|operator|staff|colleague)\b"
    r"|\b(?:real|actual|live) (?:human|person|agent|people)\b|\bi (?:want|need|would like"
    r"|'d like) (?:to (?:speak|talk)|a human"
    r"|an? agent|support)\b|\bescalate (?:this|it|my|the)\b",
    r"\b(?:human|customer) (?:agent|support|service)\b|\b(?:file|make|raise|open) (?:a|an) (?:complaint|ticket)\b"
    r"|\bi(?:'ll| will) (?:just )?(?:ask|call|contact|email) (?:someone|a |the |my |support)",
)
FRUSTRATION = (
    r"\b(?:useless|worthless|ridiculous|stupid|idiot|idiotic|dumb|garbage|rubbish|terrible|horrible|awful|pathetic|crap"
    r"|bullshit|wtf|ffs|omg|ugh+|argh+|damn|dammit|goddamn|for (?:god|heaven|fuck)'?s sake|shit|fuck\w*)\b"
    r"|\b(?:waste|wasting) (?:of )?(?:my )?time\b|\b(?:give|gave|giving) up\b|\bforget it\b|\bnever mind\b"
    r"|\b(?:i already|i've already|how many times|i just|once again i) (?:told|said|asked|have to|do i)\b"
    r"|\b(?:so|really|very|getting) (?:frustrat|annoy)\w+\b|\bfrustrating\b",
    r"[?!]{3,}|\b(?:come on|seriously|again)[?!]+",
)
STRONG, WEAK = 0.9, 0.6
# How letters begin that the user has the product write or check, and how people greet and hope to be of use.
_MANNERS = (
    r"(?i)\b(?:thanks|thank you) for (?:your|the|contacting|reaching) ?(?:e-?mail|letter|message|note|order"
    r"|interest|inquiry"
    r"|enquiry|application|purchase|patience|time|us|out)\b|\bgood (?:morning|afternoon|evening|day)\b"
    r"|\bthanks? (?:you )?in advance\b|\bif (?:that|this|it) helps\b"
)
# How requests end. Who thanks for an answer asks for nothing before it.
_CLOSING = (
    r"(?i)(?:(?P<asked>\?)|(?P<begun>^\W*(?:please|(?:can|could|would) you)\b.*))"
    r"(?:[^?]*\W)?(?:many thanks|thanks|thank you|thx)\b[^?]{0,40}$"
)
_ACTS = {
    "correction": CORRECTION,
    "complaint": COMPLAINT,
    "clarification": CLARIFICATION,
    "positive": POSITIVE,
    "escalation": ESCALATION,
    "frustration": FRUSTRATION,
}


def opening(text: pl.Expr) -> pl.Expr:
    """A message as the patterns want it: without code and quotations, lower case, its first 300 characters.

    People react first and then go on; what they paste in is not their own wording.
    """
    return (
        text.str.slice(0, 4 * OPENING)
        .str.replace_all(r"(?s)```.*?(?:```|$)|(?m)^>.*$", " ")
        .str.replace_all("[\u2018\u2019]", "'")
        .str.replace_all(_MANNERS, " ")
        .str.replace_all(_CLOSING, "${asked}${begun} ")
        .str.replace_all(r"\s+", " ")
        .str.strip_chars()
        .str.slice(0, OPENING)
        .str.to_lowercase()
    )


def with_acts(followups: pl.DataFrame) -> pl.DataFrame:
    """`followups` with a column of scores, 0 to 1, for each act that the question's opening performs."""
    told = followups.with_columns(opening=opening(pl.col("question").fill_null("")))
    elsewhere = acts_elsewhere(told["opening"])
    return told.with_columns(_score(name, elsewhere[name]) for name in _ACTS).drop("opening")


def _score(name: str, elsewhere: pl.Series) -> pl.Expr:
    strong, weak = _ACTS[name]
    said = pl.col("opening")
    in_english = (
        pl.when(said.str.contains(strong))
        .then(pl.when(said.str.contains(weak)).then(1 - (1 - STRONG) * (1 - WEAK)).otherwise(STRONG))
        .when(said.str.contains(weak))
        .then(WEAK)
        .otherwise(0.0)
    )
    return pl.max_horizontal(in_english, STRONG * elsewhere.cast(pl.Float64)).alias(name)
