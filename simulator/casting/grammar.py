"""Words of English that a card's third person is made of: persons, verbs and their first-person forms.

Lists and look-ups only; who a pronoun stands for is `pronouns.py`, and how sentences are turned is `firstperson.py`.
"""

from __future__ import annotations

import re

PERSONS: dict[str, str] = {
    **dict.fromkeys(
        "girlfriend wife mother mom daughter sister grandmother aunt niece fiancée woman girl godmother stepmother ex-wife "
        "ex-girlfriend".split(),
        "female",
    ),
    **dict.fromkeys(
        "boyfriend husband father dad son brother grandfather uncle nephew man guy boy stepfather stepson ex-husband ex-boyfriend "
        "grandson".split(),
        "male",
    ),
    **dict.fromkeys(
        "friend boss coworker co-worker colleague manager partner ex-partner ex roommate cousin employee principal professor child toddler "
        "teacher supervisor mentor psychiatrist therapist neighbor neighbour landlord person client fiancé fiance sibling peer doctor "
        "stylist employer patient someone somebody anyone nobody everyone else baby grandparent kid student spouse owner".split(),
        "any",
    ),
    **dict.fromkeys(
        "friends parents coworkers co-workers colleagues kids children roommates neighbors people students grandparents employees peers "
        "others aunts daughters sons sisters brothers men women girls boys bosses members teachers fellows soldiers guys relatives".split(),
        "plural",
    ),
}
"""Nouns for people, and the gender they tell."""

KIN: frozenset[str] = frozenset(
    """wife husband boyfriend girlfriend partner fiancé fiance fiancée mother father mom dad parents daughter son sister brother sibling
    roommate boss manager coworker co-worker colleague colleagues friends friend family ex-partner ex job resume landlord spouse
    nephew siblings teacher grade employer toddler child""".split()
)
"""Nouns that take `my` where a card leaves the article out."""

DETERMINERS: frozenset[str] = frozenset(
    """a an the my your his her its our their this that these those no any some each every another other both several many few one two three
    four five whose mutual all more""".split()
)
ADJECTIVES_BEFORE: frozenset[str] = frozenset(
    """best close dream former elderly teenage infant old new long-time long-term current previous own sick ex older younger whole
    entire""".split()
)

ADVERBS: frozenset[str] = frozenset(
    """also currently still now just often never always recently initially even then further already not only somewhat particularly
    especially extremely very deeply constantly really eventually suddenly previously additionally now really simply soon ever too so
    highly completely quite both all severely increasingly secretly excessively once regularly finally previously potentially""".split()
)

FEELING: frozenset[str] = frozenset(
    """worried concerned frustrated upset confused overwhelmed nervous unsure unable stressed discouraged depressed anxious sad angry hurt
    lonely embarrassed ashamed conflicted heartbroken torn afraid scared uncertain hesitant devastated disappointed annoyed
    exhausted guilty jealous tired bored insecure pregnant unemployed heart-broken hopeless stuck unhappy uncomfortable
    ineligible willing interested obsessed terrified ready married divorced single""".split()
)
"""Adjectives that a subjectless sentence opens with: `Worried about ...` is `I'm worried about ...`."""

DONE_TO: frozenset[str] = frozenset(
    "dismissed accused arrested banned fired rejected deceived abused assaulted diagnosed evicted laid hit blocked".split()
)
"""Participles that open a subjectless passive: `Dismissed from ...` is `I was dismissed from ...`."""

DOING: frozenset[str] = frozenset(
    """feeling struggling experiencing facing grieving seeking suffering considering dealing worrying losing having trying
    coping going looking finding needing hoping wondering questioning doubting wanting caring contemplating getting lacking fearing
    spending missing raising living working regretting being adjusting balancing reaching thinking planning fighting battling
    procrastinating seeing preparing returning attending managing defending protecting taking moving navigating waiting
    inquiring analyzing perceiving desiring exploring focusing trusting""".split()
)
"""Participles whose subject is the seeker when nobody else is named."""

BRINGING: dict[str, str] = {
    "leading": "it's led",
    "leaving": "it's left",
    "resulting": "it's resulted",
    "causing": "it's causing",
    "making": "it's making",
    "affecting": "it's affecting",
    "creating": "it's creating",
    "straining": "it's straining",
    "impacting": "it's affecting",
    "complicating": "it's complicating",
    "worsening": "it's making worse",
    "exacerbating": "it's adding to",
    "adding": "it's adding",
    "risking": "it's risking",
    "putting": "it's putting",
    "disrupting": "it's disrupting",
    "damaging": "it's damaging",
    "potentially": "it might be",
    "significantly": "it's really",
    "bringing": "it's bringing",
    "preventing": "it's preventing",
    "forcing": "it's forcing",
}
"""What a thing brings about: a participle after a comma that becomes a short sentence of its own."""

SAYING: frozenset[str] = frozenset(
    """feels wants needs suffers regrets struggles fears dislikes experiences wonders considers worries seeks hopes misses loves values
    lacks finds plans tries believes thinks knows lives works cares dreads doubts questions realizes takes makes keeps gets goes spends
    blames avoids wishes expects describes mentions perceives prefers relies remains continues says enjoys hates uses sees stays
    seems looks helps understands recognizes faces copes deals desires reports has is was does had fights rebuilds talks
    balances adapts juggles strives navigates manages""".split()
)
"""Third-person verbs that a seeker may be the subject of in a list: `feels X, struggles with Y`."""

PAST: frozenset[str] = frozenset(
    """lost had made left saw broke got reported took moved went quit failed ended discovered found suffered relocated separated received
    bought told said felt tried started began realized caught met came gave kept learned attended reached stopped missed cheated lent
    decided lied applied grew became fell used worked lived experienced engaged proposed supported recently""".split()
)
"""Past forms that open a subjectless sentence: `Lost job ...` is `I lost my job ...`."""

PARTICIPLES: frozenset[str] = frozenset(
    """been had made left seen broken got gotten taken gone lost found felt tried started begun caught met come given kept told said become
    grown fallen known bought spent begun done led put worn heard thought""".split()
)

_IRREGULAR = {
    "is": "am",
    "are": "am",
    "has": "have",
    "does": "do",
    "doesn't": "don't",
    "isn't": "am not",
    "aren't": "am not",
    "hasn't": "haven't",
    "were": "was",
    "weren't": "wasn't",
    "goes": "go",
    "dies": "die",
    "lies": "lie",
    "ties": "tie",
}
_NOT_SINGULAR = frozenset("was this its his us thus always perhaps yes as less".split())

PRONOUNS = frozenset("he him his himself she her hers herself they them their theirs themselves themself".split())


def first_form(verb: str) -> str:
    """The form of a third-person verb after `I`: `has` is `have`, `tries` is `try`, `went` stays."""
    lowered = verb.lower()
    if lowered in _IRREGULAR:
        return _IRREGULAR[lowered]
    if lowered in _NOT_SINGULAR or not lowered.endswith("s") or lowered.endswith("ss"):
        return verb
    if lowered.endswith("ies"):
        return verb[:-3] + "y"
    if re.search(r"(ss|sh|ch|x|zz|[^aeiou]o)es$", lowered):
        return verb[:-2]
    return verb[:-1]


_NOUNS_TOO = frozenset("doubts fears hopes plans regrets worries needs desires experiences values questions struggles".split())


def is_noun(word: str, following: str) -> bool:
    """Whether a word that could be a verb is a noun here: `doubts about`."""
    return word.lower() in _NOUNS_TOO and following.lower() in ("about", "of", "over", "for", "and", "regarding", ".", ",")


def is_adverb(word: str) -> bool:
    lowered = word.lower()
    return lowered in ADVERBS or (lowered.endswith("ly") and lowered not in ("family", "rely", "apply", "reply"))


def is_verb(word: str) -> bool:
    """Whether a word after a noun is (nearly always) its verb."""
    lowered = word.lower()
    return (
        lowered in SAYING
        or lowered in PAST
        or lowered in _IRREGULAR
        or lowered
        in frozenset(
            "was can could will would should may might must cannot do did have are refuses requested sent wanted cheats badmouths".split()
        )
        or (lowered.endswith("ed") and len(lowered) > 4)
        or (lowered.endswith(("tes", "ses", "ces", "ges", "zes", "ves", "pts", "nds", "cts")) and len(lowered) > 4)
    )


PLAINER: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b{pattern}", re.IGNORECASE), plain)
    for pattern, plain in (
        (r"due to", "because of"),
        (r"owing to", "because of"),
        (r"amidst|amid\b", "in the middle of"),
        (r"regarding", "about"),
        (r"exacerbated by", "made worse by"),
        (r"have exacerbated", "have worsened"),
        (r"has exacerbated", "has worsened"),
        (r"contemplating", "thinking about"),
        (r"(?<=\bI'm )considering", "thinking about"),
        (r"(?<=\bam )considering", "thinking about"),
        (r"(?<=\balso )considering", "thinking about"),
        (r"experiencing", "dealing with"),
        (r"attempted to", "tried to"),
        (r"attempting to", "trying to"),
        (r"purchasing", "buying"),
        (r"seeking to", "trying to"),
        (r"seeking", "looking for"),
        (r"desires a", "wants a"),
        (r"financial constraints", "money problems"),
        (r"financial (difficulties|issues)", "money trouble"),
        (r"financial (stress|strain)", "money worries"),
        (r"alleviated?", "eased"),
        (r"significant emotional distress", "a lot of distress"),
        (r"significantly(?= \w)", "really"),
        (r"significantly", "a lot"),
        (r"significant\b", "big"),
        (r"fearing (?=it |they |that |he |she |I |my \w+ (?:will|would))", "afraid "),
        (r"fearing", "afraid of"),
        (r"inquiring", "asking"),
        (r"I seek to", "I want to"),
        (r"I seek\b", "I'm looking for"),
        (r"(improve|address|handle) situation", r"\1 the situation"),
        (r"do not", "don't"),
        (r"does not", "doesn't"),
        (r"did not", "didn't"),
        (r"is not", "isn't"),
        (r"are not", "aren't"),
        (r"was not", "wasn't"),
        (r"were not", "weren't"),
        (r"has not", "hasn't"),
        (r"have not", "haven't"),
        (r"cannot", "can't"),
        (r"could not", "couldn't"),
        (r"would not", "wouldn't"),
        (r"will not", "won't"),
        (r"there is", "there's"),
        (r"in order to", "to"),
        (r"because of lack of", "because of a lack of"),
        (r"(if|whether) should", r"\1 I should"),
        (r"utiliz", "us"),
        (r"assist\b", "help"),
    )
)
"""Report words and what people say instead; nothing here changes what is told."""


def plainer(text: str) -> str:
    """A sentence with the report words replaced by everyday ones."""
    for pattern, plain in PLAINER:
        text = pattern.sub(plain, text)
    return text
