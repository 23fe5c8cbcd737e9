"""Rules of the crisis gate: talk of suicide and self-harm, plain and veiled, and the contexts that take such words back.

The patterns stand in `crisis_rules.yaml`, written after the items of the Columbia scale (wish to be dead, thoughts, plan and preparation,
recent behaviour, self-injury) and what volunteers on crisis lines listen for.  On examples that no rule was written with, a rule that fires is right about five times in six:
evidence for `crisis.py` to weigh and no verdict.  This module brings slang into one spelling and says which matches are denied, long past,
someone else's, fiction or only a manner of speaking.  It parses no grammar and knows no language but English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from agents.text import plain
from agents.words import Word
from agents.yamlfile import read_model

_SPELLINGS: dict[str, str] = {
    r"[\u2018\u2019\u02bc`]": "'",
    r"(.)\1{2,}": r"\1\1",
    r"\bi['’]?m\b": "i am",
    r"\bi'll\b": "i will",
    r"\bwon't\b": "wont",
    r"\bcan ?not\b": "cant",
    r"\b(do|does|did|is|was|are|were|would|should|could|have|has|had|need) not\b": r"\1nt",
    r"\b(u)\b": "you",
    r"\bdnt\b": "dont",
    r"(?<=[a-z])'(?=[a-z])": "",
    r"\b(wan+a|wana)\b": "want to",
    r"\bgo+n+a\b": "going to",
    r"\bgot+a\b": "have to",
    r"\bim+a\b": "i am going to",
    r"\bkms\b": "kill myself",
    r"\bctb\b": "end my life",
    r"\b(unaliv(e|ing)|k1ll|kil)\b": "kill",
    r"\b(sewer ?slid(e|al)|s[uoe]+[iy]?c[iu]d|su1c1d|suisid)": "suicid",
    r"\b(my sel[fv]e?|myslef|mysefl|meself|mself|my self|mysel)\b": "myself",
    r"\b(anymor|any more)\b": "anymore",
    r"\b(w/o|witout|withot|w out)\b": "without",
    r"\b(tmrw?|tmw|tomorow|tommorow|2moro)\b": "tomorrow",
    r"\b(2nite|tonite|2night)\b": "tonight",
    r"\b(bc|cuz|coz|cos|becos|becuz)\b": "because",
    r"\b(evry1|every1|evryone|evrybody|everybody|all of them)\b": "everyone",
    r"\b(no1|no ?body|noone)\b": "no one",
    r"\b(any1|anybody)\b": "anyone",
    r"\b(rly|realy)\b": "really",
    r"\bidk\b": "i dont know",
    r"\b(wish i was|wish i were)\b": "wish i was",
    r"\bself[- ]?harm": "selfharm",
    r"\blife'?s\b": "life is",
    r"\b(mum+y?|mom+y?|mam|mama)\b": "mother",
    r"\bdad(dy)?\b": "father",
    r"\b(kiddos?|kids|little ones|bairns?)\b": "children",
    r"\b(meds|medicines|medication)\b": "tablets",
}
_SPELLING = tuple((re.compile(pattern), spelt) for pattern, spelt in _SPELLINGS.items())
_NOT_WORD = re.compile(r"[^\w\s.,!?;:()\"'-]")

_KIN = (
    r"(?:friend|brother|sister|mother|father|son|daughter|cousin|uncle|aunt|wife|husband|boyfriend|girlfriend|partner|ex|neighbou?r|room ?mate|flat ?mate|housemate|student|pupil|patient|client|"
    r"colleague|coworker|boss|child|boy|girl|nephew|niece|grandmother|grandfather|gran|grandma|grandpa|teenager|caller|mate|man|woman|guy|kid|person|singer|character|hero|heroine|classmate|teacher)"
)
NEGATED = re.compile(
    r"\b(?:not|never|dont|wouldnt|wont|isnt|arent|wasnt|havent|hadnt|didnt|nothing like|no|far from|rather than|instead of|no intention of|id never|without|no thoughts of|nor) "
    r"(?:(?:going|planning|really|actually|ever|about|thinking|trying|feeling|mean|saying|say|want|wanting|wanted|to|that|be|have|having|had|any|i|id|do|of|in|my|am|thoughts?|plans?|a|active|"
    r"been|intention|anything|like|talking|thought|considering|considered|even|just|here|would|im) )*$"
)
NEGATION_WITHIN = re.compile(
    r"^(?:am|feel|feeling|been|so|very|again|being|getting) (?:not|never|no longer) |^(?:dont|didnt) (?:want|wish) (?:to )?die\b"
)
IDIOM = re.compile(
    r"\b(?:die|died|dying|dead|kill(?:ed|ing)?|suicid\w*|overdos\w*|shoot|hang) ?\w* ?(?:of|from|with) (?:laugh\w*|embarrass\w*|shame|boredom|cring\w*|excitement|curiosity|heat|hunger|thirst|laundry|envy|joy)\b|"
    r"\b(?:social|career|political|commercial|professional|financial) suicid\w*|suicid\w* (?:squad|mission|wings|prevention|awareness|sprints?|hill|run)\b|"
    r"\boverdos\w* (?:on|of) (?:the )?(?:\w+ )?(?:sugar|chocolate|coffee|caffeine|carbs|cheese|biscuits|cookies|cake|netflix|news|sweets|candy|tea|christmas|crisps|pizza|tv|telly|ice cream)\b|"
    r"\bcut(?:ting)? myself (?:a|some|another|shaving|on (?:a|the)|off|out|loose|free|short|slack|chopping|slicing|cooking|while|peeling|when i (?:was )?(?:cook|chop|shav|slic|peel)\w*)\b|"
    r"\b(?:hurt|burnt|burned|burn|hit|scratched|cut) (?:myself|my (?:\w+ )?(?:arm|wrist|leg|skin)s?) (?:on (?:a|the|my|some)|playing|at (?:football|work|the gym|training|practice)|falling|skiing|running|by accident|"
    r"cooking|baking|lifting|gardening|with the (?:iron|oven|kettle|frying))\b|"
    r"\b(?:kill|killing|beat|beating|kick|kicking|killed) myself (?:for|over|at the gym|up|to (?:get|finish|meet|make)|trying|getting|with (?:work|worry|overtime)|working|laughing)\b|"
    r"\b(?:shoot|shooting|shot) myself in the foot|\b(?:hear|see|watch|sit through|listen to|read|get) (?:\w+ ){1,6}(?:ill|i will|id|i would|am going to) (?:shoot|kill|hang) myself|"
    r"\b(?:id|would|i would|rather|sooner) (?:rather |sooner )?(?:die|kill myself|be dead|shoot myself) (?:than|before) "
    r"(?:eat|watch|wear|speak|sing|dance|present|ask|tell|let|call|see him|see her|admit|do (?:that|a|my)|sit|work|use|have (?:him|her|that)|be seen|listen|move (?:to|in|back)|phone|read|drive|talk|stand|go (?:to|back to|on stage))\b|"
    r"\bto die for\b|\bdying (?:for a|to (?:see|know|hear|meet|try|tell|go|get|read|find))\b|\bend(?:ing|ed)? (?:it all|it|things) (?:with|between)\b|"
    r"\bdie (?:a little|inside|laughing|trying|hard|hungry|happy|old|alone)\b|\bkill myself (?:this|the|my) (?:homework|essay|exam|meeting|class|commute|group project|printer)\b|"
    r"\b(?:cat|dog|he|she|it|they|someone|kitten|parrot|branch|thorns) (?:\w+ )?(?:scratched|hurt|cut|burned|burnt|hit) my\b|"
    r"\b(?:so|that|very) (?:hungry|thirsty|tired|cold|hot|bored|embarrassed|ashamed)(?: that)? i (?:could|might|wanted to|nearly) (?:die|died)|\bdead weight in\b|\bburn(?:ed|t|ing)? myself out|"
    r"\b(?:till|until) i lost the will to live|\blost the will to live (?:somewhere|in that|during|halfway|three)|\b(?:plants?|laptop|computer|phone|car) (?:commit\w*|committed) suicid\w*|\bmyself with that much rope|"
    r"\b(?:this|the|my|these) (?:\w+ ){1,3}(?:makes?|made|making) me want to (?:die|kill myself) (?:lol|haha|lmao|of)\b"
)
OVER = re.compile(
    r"\b(?:years? (?:ago|back|later|clean|since)|teenage|as a student|decades? ago|back then|in those days|in my (?:teens|twenties|thirties|forties|youth|early \w+|late \w+)|as an? (?:young \w+|teen\w*|kid|child|girl|boy|student)|"
    r"when i was (?:\w+ )?(?:\w+teen|twenty(?: \w+)?|\d+|young|younger|little|small|a (?:teen\w*|kid|child|girl|boy|student)|in (?:school|college|uni\w*|my teens))|"
    r"at (?:school|college|uni\w*|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|1\d|2\d)\b|i once|used to|in the past|long (?:ago|time ago|past|over)|ages ago|in (?:19|20)\d\d|"
    r"(?:havent|not|free|clean|nothing|without)(?: \w+){0,5} (?:in|for|since|now) (?:\w+ )?(?:years|a decade)|since i left|at a (?:very )?dark time|after the war|after my (?:first|son|daughter) was born)\b"
)
HEALED = re.compile(
    r"\b(?:not anymore|no longer|over now|behind me|in the past|another life|recover\w+|got (?:help|better|through)|with help|glad (?:i|they|it|that|he|she)|grateful|thankful|thank god|havent|"
    r"(?:am|been|much|feel|doing) (?:\w+ )?(?:fine|well|better|okay|ok|happy|safe|stable|good|clean|proud)|nowadays|today i|would never|years (?:clean|free|without|since)|came through|look(?:ing)? back|"
    r"cant imagine|different person|another person|made (?:my )?peace|went away|gone now|these days (?:my|i am)|(?:am|be) \w+ now)\b"
)
STILL = re.compile(
    r"\b(?:(?<!happen )again|tonight|right now|still (?:do|want|think|feel|have|wish|am|there|cut|plan)|lately|recently|coming back|came back|(?:is|are|thoughts|urges|feeling) back|like then|once more|"
    r"last (?:week|night|month)|yesterday|(?:days?|weeks?|months?) ago|(?:and )?now i (?:want|feel like|wish|am thinking|think)|(?<!well )(?<!fine )(?<!okay )(?<!good )ever since|(?<!hasnt )(?<!not )(?<!never )returned|now (?:its|it is) all|"
    r"this (?:week|month|morning) (?:i|it|the))\b"
)
_PAST = re.compile(
    r"\b(?:was|were|had|did|didnt|wanted|wished|tried|thought|used to|took|saved|wrote|stood|felt|attempt\w*|overdosed|survived|harmed|hurt|once|havent|ended|cut|burned|burnt|selfharm\w*|scars?|since)\b"
)
OTHERS = re.compile(
    r"\b(?:he|she|they|who|my (?:\w+ ){0,2}"
    + _KIN
    + r"|(?:a|the|some|this|one|our|his|her) (?:\w+ ){0,2}"
    + _KIN
    + r"|someone|somebody|no one|people|anyone) "
    r"(?:(?:just|often|always|once|never|then|keeps?|kept|even|really|also|has|had|have|sometimes|suddenly|was|is|been|in|an?|essay|that|me|us|now) )*"
    r"(?:said|says|say|saying|told|tells|text(?:ed|s|ing)?|wrote|writes|writing|shout(?:ed|s)|scream(?:ed|s)|posted|announced|threaten(?:ed|s|ing)|goes|sings|whisper(?:ed|s)|messaged|cried|asked|"
    r"took|takes|tried|attempted|hid|hides|saved|cuts|cutting|wants|wanted|suicid\w*|been|is|was)\b(?: (?:that|like|me|us|about|in|a|the|text|letter|an|to))*\W*(?:id|hed|shed|theyd|wed all|he|she|they)?\W*(?:would |will |be |is |was |doesnt |didnt )*$"
)
_RELATIVE = re.compile(r"^(?:\W*)(?:my|her|his|our) (?:\w+ )?" + _KIN + r" (?:is|was|has|had|got|came|went|landed)\b(?!.*\b(?:i|me|my)\b)")
FICTION = re.compile(
    r"\b(?:songs?|lyrics?|film|movie|series|novel|novella|character|episode|poem|play|documentary|podcast|hamlet|romeo|juliet|ophelia|chorus|role[- ]?play|helpline|hotline|text line|crisis line|lifeline|"
    r"volunteer\w*|samaritans|paramedic|ambulance|callers?|psychiatric ward|(?:the|bell jar|a|this) (?:book|story|scene|chapter|script)|"
    r"(?:talk|posts?|essay|thesis|course|training|lecture|seminar|workshop|campaign|leaflet|slides|lesson|chapter|article|book|paper|presentation|report|survey|statistics|module|assignment|study|class) (?:on|about|against|for|in))\b"
)
_SUBJECT = re.compile(r"\b(?:i|ive|id|ill|am)(?: \w+){0,3} $")
_OWN = re.compile(
    r"\b(?:(?:i|id|ive) (?:\w+ )?(?:want|wish|might|would|could|feel the same|feel like (?:it|that|doing)|think of (?:doing|it))|like me|so do i|me too|same here|tempted|and i (?:do|want|feel|am)|my own (?:life|death)|makes me want|about how i)\b"
)
BEREAVED = re.compile(
    r"\b(?:(?:kill|hang|hung|shot|shoot|drown|harm|hurt|cut|hanged)(?:ed|ing|s|ting)? (?:him|her|them)sel(?:f|ves)|(?:took|taken|take|takes|taking|ended|ending|end) (?:his|her|their) (?:own )?(?:life|lives)|"
    r"(?:his|her|their) (?:own )?(?:suicid\w*|selfharm\w*|overdose|attempt)|(?:died|death|lost|lost(?: \w+){1,4}|loss|dead) (?:by|to|through|from) suicid\w*|lost(?: \w+){1,5}, suicid\w*|"
    + _KIN
    + r" (?:\w+ )?(?:attempted|committed) suicid\w*|"
    r"(?:he|she|they|who|(?:my|our|the|a|your) (?:\w+ )?"
    + _KIN
    + r")s? (?:\w+ ){0,2}?(?:suicidal|want(?:s|ed)? to die|wish(?:es|ed)? (?:he|she|they) (?:was|were) dead|took an overdose|overdosed|(?:wrote|left) an? (?:\w+ )?(?:note|letter))|"
    r"(?:he|she|they) (?:tried|wanted|threatens|threatened|attempted|threatening|talks? (?:of|about)|talked (?:of|about)) (?:to )?(?:end(?:ing)? it(?: all)?|suicid\w*|die|dying)|"
    r"(?:found|read) (?:my|his|her|their) (?:\w+ )?(?:note|letter)|(?:callers?|patients?|clients?) (?:wants?|wanted|wanting|who wants?) to die|"
    + _KIN
    + r"(?:s| is| was)? on suicide watch|"
    r"(?:he|she|they) (?:doesnt|dont|didnt) want to (?:live|be here|be alive)(?: anymore)?)\b"
)


class Rules(Word):
    """`crisis_rules.yaml`."""

    words: dict[str, str]
    """Alternatives that a pattern names in capitals."""
    rules: dict[str, tuple[str, ...]]
    """Patterns by category, in the order in which they are tried."""


@cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """All rules as (category, pattern).

    Raises:
        InputError: the file is broken.
    """
    file = read_model(Path(__file__).with_suffix(".yaml"), Rules)
    name = re.compile("|".join(file.words))
    return tuple(
        (category, re.compile(name.sub(lambda match: file.words[match[0]], rule)))
        for category, rules in file.rules.items()
        for rule in rules
    )


@lru_cache(maxsize=2048)
def spelt(text: str) -> str:
    """Lower case, one spelling for slang, contractions and common typos."""
    text = _NOT_WORD.sub(" ", plain(text))
    for pattern, to in _SPELLING:
        text = pattern.sub(to, text)
    return " ".join(text.split())


def without_others(passage: str) -> str:
    """A `spelt` passage without manners of speaking and without what is said of somebody else."""
    return IDIOM.sub("idiom", BEREAVED.sub("thirdperson", passage))


@dataclass(frozen=True, slots=True)
class Heard:
    """What the rules make of one passage."""

    category: str
    """Of the first rule that knows it; empty where none does."""
    taken_back: bool = False
    """Whether a rule's words were found and then taken back, and no other's stood."""


def hear(passage: str, message: str) -> Heard:
    """What the rules know about a passage of a message, both already `spelt`."""
    rest, found = without_others(passage), False
    for category, pattern in patterns():
        start = 0
        while match := pattern.search(rest, start):
            found = True
            why = taken_back(rest, match, message, category)
            if not why:
                return Heard(category)
            rest = f"{rest[: match.start()]}{why}{rest[match.end() :]}"
            start = match.start() + len(why)
    return Heard("", found)


def taken_back(passage: str, match: re.Match[str], message: str, category: str) -> str:
    """Why the matched words are no crisis of the speaker's own now: one word, or empty where they are."""
    before, veiled = passage[: match.start()], category == "veiled"
    if not veiled and (NEGATED.search(before) or NEGATION_WITHIN.search(match[0])):
        return "denied"
    if OTHERS.search(before) or _RELATIVE.search(before) or ("thirdperson" in before and not _OWN.search(passage)):
        return "reported"
    if not veiled and FICTION.search(passage[: match.end()]) and not _OWN.search(passage) and not _SUBJECT.search(before):
        return "fiction"
    return "longpast" if _over(passage[: match.end()], message) else ""


def _over(so_far: str, message: str) -> bool:
    return bool(OVER.search(message) and not STILL.search(message) and (_PAST.search(so_far) or HEALED.search(message)))
