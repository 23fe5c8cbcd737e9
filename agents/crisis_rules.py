"""Rules of the crisis gate: plain first-person talk of suicide and self-harm, and the contexts that take such words back.

Written after the items of the Columbia scale (wish to be dead, thoughts, plan and preparation, recent behaviour, self-injury) and what
volunteers on crisis lines listen for.  A rule is sure of itself or silent; veiled talk belongs to `crisis_model.py`.  `taken_back` says
which of the found words are denied, long past, someone else's, quoted or only a manner of speaking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from agents.text import plain

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

_SELF = r"(?:\w+ ){0,2}?"
_END = (
    r"(?:(?:kill|hang|shoot|drown|poison|off|top|finish|unalive)(?:ing)? myself|(?:end|tak)(?:e|ing)? (?:my|this) (?:own |miserable |stupid )?life|"
    r"end(?:ing)? (?:it all|myself|everything for good)|commit(?:ting)? suicid\w+|do(?:ing)? away with myself|mak(?:e|ing) an end (?:of|to) (?:it|myself|my life)|"
    r"(?:jump|throw|step|walk|hurl)(?:ing)? (?:myself )?(?:off|from|in front of|under|into) (?:a|the|that|this) (?:\w+ )?"
    r"(?:bridge|roof|cliff|building|balcony|platform|ledge|train|bus|lorry|truck|car|traffic|tower|viaduct)\b|"
    r"tak(?:e|ing) (?:all|every one|the whole (?:pack|box|bottle|lot)) (?:of )?(?:my|the|these|those) (?:\w+ )?(?:pills|tablets)|tak(?:e|ing) an overdose|(?<=to )overdose\b|\boverdosing\b)"
)
_DIE = (
    r"(?:die|be dead|not be alive|not exist|(?:stop|quit) (?:existing|living|being alive|breathing)|no longer (?:live|exist|be here)|not live|leave this (?:world|life|earth)|"
    r"cease to exist|be (?:buried|six feet under)|not wake up)\b"
)
_LIVE = r"(?:live|living|be alive|being alive|exist|existing|go on living|going on living|keep living|stay alive|staying alive|continue living|keep existing)\b"
_NOT_LIVE_WITH = r"(?! (?:with|in|near|at|alone|here|there|together|next|off|by|for work|on (?:my|his|her)|abroad|paycheck|under|up to|through (?:this|that) (?:day|week)|a lie|among))"
_PILLS = r"(?:pills|tablets|painkillers|insulin|capsules|sleepers|xanax|xans)\b"

PATTERNS: tuple[tuple[str, str], ...] = (
    ("recent", r"\b(?:tried|attempted|trying) (?:to )?(?:" + _END + r"|die\b|suicid\w+|end it\b)|\battempted suicid\w+"),
    ("recent", r"\bi (?:just |have |had |nearly |almost )*(?:overdosed|took (?:an|another|my \w+) overdose|took all (?:of )?(?:my|the|those) (?:\w+ )?" + _PILLS + ")"),
    ("recent", r"\bmy (?:\w+ )?(?:suicid\w+ attempt|overdose)|\b(?:since|after|survived|despite) (?:the|my|an|another) (?:\w+ )?(?:attempt|overdose)\b(?! (?:at|to) )"),
    ("recent", r"\bpump(?:ed|ing) my stomach|\bmy stomach (?:was )?pumped|\b(?:rope|noose|belt|cord) (?:was )?(?:a?round|on) my neck"),
    ("plan", r"\b(?:going to|will|plan(?:ning)?(?: to| on)?|decided to|intend to|about to|ready to|how (?:to|i would|i will|id)|(?:way|date|day|plan|place|method) (?:to|for)) "
             + r"(?:\w+ ){0,2}?(?:" + _END + r"|end it\b(?! (?:with|between))|die (?:tonight|today|tomorrow|soon|on)\b)"),
    ("plan", _END + r" (?:\w+ ){0,2}(?:tonight|tomorrow|this (?:week|weekend|evening)|next (?:week|month)|on (?:mon|tues|wednes|thurs|fri|satur|sun)day|when they|soon)\b"),
    ("plan", r"\b(?:i|ive|been|am|and) (?:\w+ ){0,2}(?:sav(?:ed|ing)(?: up)?|stockpil\w+|hoard\w*|collect(?:ed|ing)|stash\w*|hid(?:den|ing)?|kept|keeping) (?:\w+ ){0,4}" + _PILLS),
    ("plan", r"\b(?:my|a|the|written|writing|wrote) (?:suicid\w+|farewell|goodbye|leaving) (?:note|letter|video)s?\b"),
    ("plan", r"\b(?:picked|chosen|set|got|have|decided on|fixed) (?:a|the|my) (?:\w+ )?(?:date|day|place|spot|method|bridge|way) (?:\w+ ){0,2}(?:die|end|kill)"),
    ("plan", r"\b(?:i have|ive got|there is|i keep|i bought|i tied|i made) (?:a|the|my) (?:\w+ )?noose\b"),
    ("self_harm", r"\b(?:cut(?:ting)?|burn(?:ed|t|ing|s)?|hurt(?:ing|s)?|harm(?:ed|ing)?|stab(?:bed|bing)?|injur(?:e|ed|ing)|hit(?:ting)?|scratch(?:ed|ing)?|slic(?:e|ed|ing)|punish(?:ing)?) "
                  r"(?:myself|my (?:own )?(?:wrists?|thighs?|arms?|legs?|skin))\b(?! (?:with )?(?:thinking|by (?:trusting|loving|staying|hoping|going back)))"),
    ("self_harm", r"\b(?:i|ive|my|am|started|been|back to|stop|about|of|into|with) (?:\w+ ){0,2}selfharm\w*"),
    ("self_harm", r"\b(?:started|been|back to|relapsed (?:into|on|with|and)|keep|cant stop|urges? to|need to|want to|havent) cut(?:ting)?\b"
                  r"(?= (?:again|since|because|and|so|for|in|but|at|is|now|like|when|to feel)|[.,!?]|$)(?! (?:and dry|in (?:half|line)|for (?:the|a)))"),
    ("self_harm", r"\b(?:cuts|cut marks|burn marks) (?:\w+ ){0,3}(?:on|over|up|along|down) my (?:\w+ )?(?:arms?|wrists?|thighs?|legs?)|\b(?:until|till|til) (?:i|it|the skin) (?:bleeds?|bled|see blood)"),
    ("ideation", r"\b(?:want(?:ed|ing|s)?|wish(?:ed|ing)?|need|long(?:ing)?|hop(?:e|ing)|pray(?:ed|ing)?|like|love|prefer|ready|rather|deserve|desire|better|easier|nice|supposed|allowed|decided|urge|going|let me|may as well|should|could|might as well) "
                 r"(?:(?:to|just|really|simply|rather|so badly|that i|i|could|would|had|it|is|go to sleep and|fall asleep and|much|go|off and) )*" + _DIE),
    ("ideation", r"\b(?:wish|wished|hope|pray|glad if) (?:\w+ )?(?:i|id|ill|i will|i could|i had|god would|someone would) (?:(?:was|were|just|could|would|had|might|be|have) )*"
                 r"(?:dead|die|died|never (?:been )?born|not (?:been )?born|wasnt (?:born|alive)|werent (?:born|alive)|didnt exist|kill me|dont wake|stop existing|never woke|not wake)\b"),
    ("ideation", r"\b(?:better off|rather|id be better|happier|better if i (?:was|were)|were) dead\b|\bbetter (?:off )?if i (?:died|was dead|were dead|didnt exist|wasnt alive|was never born)"),
    ("ideation", r"\b(?:dont|doesnt|never|no longer|not|didnt|not sure i|not sure if i|dont think i|dont know if i) (?:(?:even|really|want|wish|wanting|deserve|to|just|think|i|actually|ever|know|if|why) )*"
                 + r"(?:want|wish|wanting|deserve|care whether i|care if i|know why i|see why i should) (?:to )?" + _LIVE + _NOT_LIVE_WITH),
    ("ideation", r"\b(?:dont|no longer|never|not) (?:\w+ )?want(?:ing)? (?:to )?(?:be here|be on (?:this|the) (?:earth|planet)|be in this world|be around) (?:anymore|any longer|at all|tomorrow|on earth)\b(?! (?:at|in|with))"),
    ("ideation", r"\bcare (?:if|whether) i (?:live|die|wake up|am alive|am dead)\b"),
    ("ideation", r"\b(?:tired|sick|weary|exhausted|done|had enough|fed up) (?:of|with|from) " + _LIVE + r"(?! (?:with|in|near|at|alone|here|there|together|next|off|by|paycheck|like|out|under|this way|a lie|for (?:other|my|work)|on))"),
    ("ideation", r"\b(?:no|any|the|little|much|what) (?:point|reason|will|wish|desire|cause|purpose) (?:in |to |of |for )(?:me )?(?:to )?" + _LIVE + _NOT_LIVE_WITH),
    ("ideation", r"\b(?:lost|losing|without|no|have no|havent the) (?:the |my |all |any )?(?:will|wish|desire|reason) to live\b" + _NOT_LIVE_WITH),
    ("ideation", r"\b(?:life|living|my life|it|existence) (?:isnt|is not|is no longer|not|aint|doesnt feel|hardly feels|isnt really|is hardly) worth (?:living|it to live|being alive)"),
    ("ideation", r"\b(?:thoughts?|thinking|think|fantasi\w+|dream\w*|google?\w*|googling|considered|considering|contemplat\w+|obsess\w+|urges?|idea|imagin\w+|feel like|felt like|tempted|images|picture) "
                 r"(?:(?:about|of|on|to|a lot|constantly|all day|only|just|the|that|by) ){0,3}(?:suicid\w*|" + _END + r"|(?:my own )death\b(?= (?:all|every|a lot|constantly|as a))|ending it\b(?! (?:with|between|because)))"),
    ("ideation", r"\b(?:am|feel|feeling|been|being|getting|become|became|so|very|actively|passively|again) (?:\w+ )?suicidal\b"),
    ("ideation", r"\b(?:my|have|having|had|get|getting|these|the|with|are) (?:\w+ )?suicid\w* (?:thoughts?|ideation|ideas|feelings|urges?|tendenc\w+|impulses?)\b"),
    ("ideation", r"\b(?:suicid\w*|death|dying|killing myself) (?:is|seems|looks|feels|sounds|would be|might be) (?:like )?(?:\w+ ){0,3}(?:option|way out|answer|solution|relief|peaceful|comfort|appealing|calling|release|only way|only thing)"),
    ("ideation", r"\b" + _END),
    ("ideation", r"\b(?:just|please) (?:let me die|kill me)\b(?! (?:for|if|when))"),
)
_COMPILED = tuple((category, re.compile(pattern)) for category, pattern in PATTERNS)

_KIN = (
    r"(?:friend|brother|sister|mother|father|son|daughter|cousin|uncle|aunt|wife|husband|boyfriend|girlfriend|partner|ex|neighbou?r|room ?mate|flat ?mate|housemate|student|pupil|patient|client|"
    r"colleague|coworker|boss|child|boy|girl|nephew|niece|grandmother|grandfather|gran|grandma|grandpa|teenager|caller|mate|man|woman|guy|kid|person|singer|character|hero|heroine|classmate|teacher)"
)
NEGATED = re.compile(
    r"\b(?:not|never|dont|wouldnt|wont|isnt|arent|wasnt|havent|hadnt|didnt|nothing like|no|far from|rather than|instead of|no intention of|id never|no thoughts of|nor) "
    r"(?:(?:going|planning|really|actually|ever|about|thinking|trying|feeling|mean|saying|say|want|wanting|wanted|to|that|be|have|having|had|any|i|id|do|of|in|my|am|thoughts?|plans?|a|active|"
    r"been|intention|anything|like|talking|thought|considering|considered|even|just|here|would|im) )*$"
)
NEGATION_WITHIN = re.compile(r"^(?:am|feel|feeling|been|so|very|again|being|getting) (?:not|never|no longer) |^(?:dont|didnt) (?:want|wish) (?:to )?die\b")
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
    r"\b(?:this|the|my|these) (?:\w+ ){1,3}(?:makes?|made|making) me want to (?:die|kill myself) (?:lol|haha|lmao|of)\b"
)
OVER = re.compile(
    r"\b(?:years? (?:ago|back|later|clean)|decades? ago|back then|in those days|in my (?:teens|twenties|thirties|forties|youth|early \w+|late \w+)|as an? (?:young \w+|teen\w*|kid|child|girl|boy|student)|"
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
    r"last (?:week|night|month)|yesterday|(?:days?|weeks?|months?) ago|(?:and )?now i (?:want|feel like|wish|am thinking|think)|ever since|returned|now (?:its|it is) all|"
    r"this (?:week|month|morning) (?:i|it|the))\b"
)
_PAST = re.compile(
    r"\b(?:was|were|had|did|didnt|wanted|wished|tried|thought|used to|took|saved|wrote|stood|felt|attempt\w*|overdosed|survived|harmed|hurt|once|havent|ended|cut|burned|burnt|selfharm\w*|scars?|since)\b"
)
OTHERS = re.compile(
    r"\b(?:he|she|they|who|my (?:\w+ ){0,2}" + _KIN + r"|(?:a|the|some|this|one|our|his|her) (?:\w+ ){0,2}" + _KIN + r"|someone|somebody|no one|people|anyone) "
    r"(?:(?:just|often|always|once|never|then|keeps?|kept|even|really|also|has|had|have|sometimes|suddenly|was|is|been|in|an?|essay|that|me|us|now) )*"
    r"(?:said|says|say|saying|told|tells|text(?:ed|s|ing)?|wrote|writes|writing|shout(?:ed|s)|scream(?:ed|s)|posted|announced|threaten(?:ed|s|ing)|goes|sings|whisper(?:ed|s)|messaged|cried|asked|"
    r"took|takes|tried|attempted|hid|hides|saved|cuts|cutting|wants|wanted|suicid\w*|been|is|was)\b(?: (?:that|like|me|us|about|in|a|the|text|letter|an|to))*\W*(?:id|hed|shed|theyd|wed all|he|she|they)?\W*(?:would |will |be |is |was |doesnt |didnt )*$"
)
_RELATIVE = re.compile(r"^(?:\W*)(?:my|her|his|our) (?:\w+ )?" + _KIN + r" (?:is|was|has|had|got|came|went|landed)\b(?!.*\b(?:i|me|my)\b)")
FICTION = re.compile(
    r"\b(?:songs?|lyrics?|film|movie|series|book|novel|character|episode|poem|play|documentary|podcast|essay|thesis|article|scene|chapter|script|hamlet|romeo|juliet|training|course|lecture|seminar|"
    r"shift|helpline|hotline|volunteer\w*|samaritans|lesson|assignment|exam|workshop|leaflet|poster|slides|campaign|chorus|role ?play|statistics|survey|questionnaire|module|paramedic|nurse|doctor|moderate|"
    r"talk|posts|presentation|job)\b"
)
_OWN = re.compile(r"\b(?:(?:i|id|ive) (?:\w+ )?(?:want|wish|feel|might|will|would|cant|dont|could|should|keep)|like me|so do i|me too|same here|tempted|and i|my own|makes me|about how i)\b")
BEREAVED = re.compile(
    r"\b(?:(?:kill|hang|hung|shot|shoot|drown|harm|hurt|cut|hanged)(?:ed|ing|s|ting)? (?:him|her|them)sel(?:f|ves)|(?:took|taken|take|takes|taking|ended|ending|end) (?:his|her|their) (?:own )?(?:life|lives)|"
    r"(?:his|her|their) (?:own )?(?:suicid\w*|selfharm\w*|overdose|attempt)|(?:died|death|lost (?:\w+ ){1,4}|loss|dead) (?:by|to|through|from) suicid\w*|" + _KIN + r" (?:\w+ )?(?:attempted|committed) suicid\w*|"
    r"(?:he|she|they|who|(?:my|our|the|a|your) (?:\w+ )?" + _KIN + r")s? (?:\w+ ){0,2}?(?:suicidal|want(?:s|ed)? to die|wish(?:es|ed)? (?:he|she|they) (?:was|were) dead|took an overdose|overdosed|(?:wrote|left) an? (?:\w+ )?(?:note|letter))|"
    r"(?:he|she|they) (?:tried|wanted|threatens|threatened|attempted|threatening|talks? (?:of|about)|talked (?:of|about)) (?:to )?(?:end(?:ing)? it(?: all)?|suicid\w*|die|dying)|"
    r"(?:found|read) (?:my|his|her|their) (?:\w+ )?(?:note|letter))\b"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the rules make of one sentence."""

    category: str
    """Empty where no rule is sure."""
    rest: str
    """The sentence as the model is to read it: spelt out, and without the words that were taken back."""


@lru_cache(maxsize=16384)
def spelt(text: str) -> str:
    """Lower case, one spelling for slang, contractions and common typos."""
    text = _NOT_WORD.sub(" ", plain(text))
    for pattern, to in _SPELLING:
        text = pattern.sub(to, text)
    return " ".join(text.split())


def hear(sentence: str, message: str) -> Heard:
    """What is sure about one sentence of a message; both already `spelt`."""
    rest = IDIOM.sub("idiom", BEREAVED.sub("thirdperson", sentence))
    for category, pattern in _COMPILED:
        while match := pattern.search(rest):
            why = taken_back(rest, match, message)
            if not why:
                return Heard(category, rest)
            rest = f"{rest[: match.start()]}{why}{rest[match.end() :]}"
    return Heard("", rest)


def taken_back(sentence: str, match: re.Match[str], message: str) -> str:
    """Why the matched words are no crisis of the speaker's own now: one word, or empty where they are."""
    before = sentence[: match.start()]
    if NEGATED.search(before) or NEGATION_WITHIN.search(match[0]):
        return "denied"
    if OTHERS.search(before) or ("thirdperson" in before and not _OWN.search(sentence)):
        return "reported"
    if _RELATIVE.search(before):
        return "reported"
    if FICTION.search(before) and not _OWN.search(sentence):
        return "fiction"
    return "longpast" if _over(sentence[: match.end()], message) else ""


def _over(so_far: str, message: str) -> bool:
    return bool(_PAST.search(so_far) and OVER.search(message) and not STILL.search(message)) or bool(
        HEALED.search(message) and OVER.search(message) and not STILL.search(message)
    )
