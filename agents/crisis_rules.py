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
    r"\b(meds|medicines|medication|tabs)\b": "tablets",
}
_SPELLING = tuple((re.compile(pattern), spelt) for pattern, spelt in _SPELLINGS.items())
_NOT_WORD = re.compile(r"[^\w\s.,!?;:()\"'-]")

_KILL = (
    r"(kill(ing)? myself|end(ing)? my (own )?life|tak(e|ing) my (own )?life|end(ing)? it all|end(ing)? everything for good|hang(ing)? myself|"
    r"shoot(ing)? myself|drown(ing)? myself|commit(ting)? suicid\w+|poison(ing)? myself|off(ing)? myself|do(ing)? away with myself|"
    r"mak(e|ing) an end (of|to) (it|myself|my life)|finish(ing)? myself( off)?|top(ping)? myself|(jump|jumping|throw myself|throwing myself|step|stepping|walk|walking) "
    r"(off (a|the|that|this) (\w+ )?(bridge|roof|cliff|building|balcony|platform|edge)|(in front of|under|into) (a|the|that) (\w+ )?(train|bus|lorry|truck|car|traffic))|"
    r"tak(e|ing) (all|the whole (pack|box|bottle)( of)?|every one of) (of )?(my|the|these|those) (\w+ )?(pills|tablets|lot)|take an overdose|overdosing|overdose|od)"
)
_DEAD = r"(die|be dead|not (be alive|exist|be here)|stop (existing|living|being alive)|be gone (forever|for good)|not live|no longer (live|exist)|leave this (world|life))"
_PLAN_WORD = (
    r"((am|was|be) (going to|about to|ready to|planning (to|on)|set on)|going to|will|plan(ning)? to|have decided to|decided to|intend to|mean to|want to|"
    r"know how (to|i would|i will|i am going to)|am thinking how to|how i would|how i will|way to|date to|plan for|planning on)"
)

PATTERNS: tuple[tuple[str, str], ...] = (
    ("recent", r"\b(i|ive) ((have|had|just|nearly|almost|already|actually) )?(tried|attempted|started|set out|nearly managed|came close|got ready) (to |at )?" + _KILL),
    ("recent", r"\b(tried|attempted) (to )?" + _KILL),
    ("recent", r"\b(i|and) ((just|nearly|almost|have|had) )*(overdosed|took an overdose|od'?e?d|took all (of )?(my|the|those) (\w+ )?(pills|tablets)|took too many (\w+ )?(pills|tablets) on purpose)\b"),
    ("recent", r"\b(my|the|an|another|first|second|last) ((\w+) )?(suicid\w+ )?(attempt|overdose)\b(?=.{0,60}\b(week|month|days?|hospital|ward|discharg\w+|yesterday|night|failed|survived|again)\b)"),
    ("recent", r"\b(my|a|another) (suicid\w+|failed|last) attempt\b"),
    ("recent", r"\b(pumped my stomach|my stomach (was )?pumped|(out of|discharged from|home from|left) (the )?(psych\w*|hospital|ward|clinic|unit).{0,40}(attempt|overdose|tried to die|suicid\w+))"),
    ("recent", r"\bi ((nearly|almost) )?(jumped|stepped|let go|pulled the trigger|tied the (rope|knot|noose))\b(?=.{0,60}(bridge|platform|train|roof|ledge|balcony|rope|gun|but))"),
    ("recent", r"\btried to die\b"),
    ("plan", r"\b" + _PLAN_WORD + r" (\w+ ){0,3}" + _KILL),
    ("plan", _KILL + r" (\w+ ){0,3}(tonight|tomorrow|this (week|weekend|evening|month)|next (week|month)|on (mon|tues|wednes|thurs|fri|satur|sun)day|when they|after (the|my)|soon|today)"),
    ("plan", r"\b(sav(ed|ing)( up)?|stockpil\w+|hoard\w*|collect(ed|ing)|stor(ed|ing)|keeping back|kept back|put(ting)? (by|aside)) (up )?(\w+ ){0,5}(pills|tablets|painkillers|insulin|capsules)\b"),
    ("plan", r"\b(suicid\w+|farewell|goodbye|last|final|leaving) (note|letter)s?\b(?=.{0,50})"),
    ("plan", r"\b(bought|got|found|have|tied|hid|hidden|picked up|ordered) (a|the|my|some) (\w+ )?(rope|noose|gun|pistol|shotgun|razor blades)\b(?=.{0,60}(end|over|tonight|myself|ready|soon|peace|do it|done))"),
    ("plan", r"\b(chosen|picked|set|decided on|fixed|know|have) (a|the|my) (\w+ )?(date|day|night|place|spot|method|way|bridge)\b(?=.{0,40}(to die|end|kill|do it|gone|go for good|to go|be over))"),
    ("plan", r"\b(plan|way|method|date|place) (to|for) (die|dying|end it|ending it|kill\w*|my (death|suicid\w+))"),
    ("plan", r"\b(tonight|tomorrow|this weekend) (i|ill|i will|i am going to) (die|end it|be dead|do it and)"),
    ("plan", r"\b(die|dead) (by|before) (tomorrow|tonight|the weekend|friday|sunday|morning)\b"),
    ("self_harm", r"\b(i|ive|i am|have|been|started|keep|kept|to|by|was|of|and|about|stop|from|with|but|back to|after) ((have|had|just|been|started|keep|kept|still|am|only|again) )*"
     r"(cut(ting)?|burn(ed|t|ing)?|hurt(ing)?|harm(ed|ing)?|stab(bed|bing)?|injur(e|ed|ing)|hit(ting)?|scratch(ed|ing)?|punch(ed|ing)?|bit(e|ing)?) (myself|my (own )?(\w+ )?(arms?|wrists?|thighs?|legs?|skin|stomach))\b"),
    ("self_harm", r"\b(i|ive|my|am|started|been|back|to|the) (\w+ ){0,2}selfharm\w*"),
    ("self_harm", r"\bselfharm\w*(?=.{0,30}\b(me|myself|i|again|my)\b)"),
    ("self_harm", r"\b(started|been|back to|relapsed (into|on|with)|keep|cant stop) (cutting|burning)( again)?\b(?! (back|down|corners|costs|ties|bridges|calories|carbs|out|hours|through))"),
    ("self_harm", r"\b(blades?|razors?|lighter|cigarettes?|needle|knife|scissors) (\w+ ){0,4}(on|against|to|across|into|over) my (own )?(\w+ )?(skin|arms?|wrists?|thighs?|legs?|throat)"),
    ("self_harm", r"\b(until|till|so) (i|it|the skin) (bleeds?|bled|see blood|am bleeding)|\b(fresh|new) cuts (on|up|along)|\bcuts on my (\w+ )?(arms?|wrists?|thighs?|legs?)|\bslit (my|open)"),
    ("ideation", r"\b(want(ed|ing)?|wish(ed|ing)?|need(ed)?|long(ing)?|hop(e|ed|ing)|pray(ed|ing)?|like|love|prefer|ready|rather|wishing|try(ing)?|going|have|about|deserve|supposed|urge|desire|begging) (\w+ )?(to )?(just )?(\w+ )?" + _DEAD + r"\b"),
    ("ideation", r"\b(wish|wished|hope|pray) (that )?(i|i (would|could|had|will)|id|god would let me|someone would|they would) (was |just |could |would |had |might )*(dead|die|died|never (been )?born|not (been )?born|wasnt born|wasnt alive|werent alive|didnt exist|kill me|dont wake|stop existing)\b"),
    ("ideation", r"\b(better off|rather be|id be better|happier|be better if i was|better if i were) dead\b|\bbetter (off )?(dead than|if i (died|was dead|were dead|didnt exist|wasnt alive))"),
    ("ideation", r"\b(dont|doesnt|never|no longer|not|didnt) (\w+ )?(want|wish|wanting|care|deserve|feel like|see why i should|know why i (should )?) ?(to )?(\w+ )?(live|living|be alive|being alive|exist|existing|be here|being here|go on living|keep living|stay alive|staying alive|be on this (earth|planet)|be in this world)\b(?! (with|in|near|at|alone|here|there|like this here|together|next|off|by))"),
    ("ideation", r"\b(tired|sick|weary|exhausted|done|had enough|fed up) (of|with) (living|being alive|existing|life itself|staying alive|this life)\b"),
    ("ideation", r"\b(no|any|the|a|little|much) (point|reason|will|wish|desire|cause|purpose) (in |to |of |for )?(\w+ )?(live|living|being alive|existing|exist|stay alive|staying alive|go on living|carry on living|keep living)\b(?! (with|in a|near|at|here|there))"),
    ("ideation", r"\b(life|living|my life|it|existence) (isnt|is not|is no longer|not|aint|doesnt feel|does not feel|hardly feels|isnt really) (\w+ )?worth (living|it to live|being alive|the living)"),
    ("ideation", r"\b(thoughts?|thinking|think|thought|fantasi\w+|dream\w*|google\w*|considered|considering|contemplat\w+|obsess\w+|urges?|idea|talk|talking|imagin\w+|feel like|felt like|tempted) (\w+ ){0,3}(suicid\w*|" + _KILL + r"|(my own )death|dying|being dead)\b"),
    ("ideation", r"\b(am|feel|feeling|felt|been|being|was|get|getting|have|having|had|go|so|very|actively|passively|bit|my|these|with|are|more|again) (\w+ )?suicidal\b"),
    ("ideation", r"\bsuicid\w* (thoughts?|ideation|ideas?|feelings?|urges?|tendenc\w+|impulses?)\b"),
    ("ideation", r"\b(suicid\w*|death|dying) (is|seems|looks|feels|sounds|would be|might be|keeps) (like )?(\w+ ){0,3}(option|way out|answer|solution|relief|only|better|easier|peaceful|comfort|appealing|calling|release|mind|head|kinder)"),
    ("ideation", _KILL),
    ("ideation", r"\b(let|make|just|please|someone|god|lord) (me )?(just )?(die|kill me)\b(?! (for|if|when))"),
    ("ideation", r"\bi (should|would|could|might|may|must) (just |as well |better |rather )*(be dead|die|not exist|not be alive)\b"),
    ("ideation", r"\bnot (wanting|wishing) to (live|be alive|exist|be here|wake up)\b"),
)
_COMPILED = tuple((category, re.compile(pattern)) for category, pattern in PATTERNS)

NEGATED = re.compile(
    r"\b(not|never|dont|wouldnt|wont|isnt|arent|wasnt|havent|didnt|without|nothing like|no|far from|rather than|instead of|no intention of|promised not to) "
    r"((going|planning|really|actually|ever|about|thinking|trying|feeling|want|wanting|to|that|be|have|having|had|any|i|do|of|in|my|am|thoughts|plans?|a|active|actively|been|intention|anything|like) )*$"
)
IDIOM = re.compile(
    r"\b(die|died|dying|dead|kill\w*|suicid\w*|overdos\w*|shoot|hang|cut) ?\w* ?(of|from|with) (laugh\w*|embarrass\w*|shame|boredom|cring\w*|excitement|curiosity|cute\w*|heat|hunger|thirst|laundry|envy|happiness|joy)|"
    r"\b(social|career|political|commercial|professional|financial) suicid\w*|suicid\w* (squad|mission|wings|prevention|awareness|burger|drink|sprints?|hill|run)|"
    r"\b(overdos\w*|od'?e?d) (on|of) (the )?(\w+ )?(sugar|chocolate|coffee|caffeine|carbs|cheese|biscuits|cookies|cake|netflix|news|vitamins?|sweets|candy|tea|cuteness|christmas|crisps|pizza|tv|telly)|"
    r"\bcut(ting)? myself (a|some|another|shaving|on (a|the)|off|out|loose|free|short|slack|chopping|slicing|cooking|while|when i (was )?(cook|chop|shav)\w*)|"
    r"\b(hurt|burn(t|ed)?|hit|scratch(ed)?|cut|bit) (myself|my (\w+ )?(arm|wrist|leg|hand|skin)s?) (on (a|the|my|some)|badly on|playing|at (football|work|the gym|training|practice)|while|falling|skiing|running|by accident|cooking|baking|lifting|gardening|with the (iron|oven|kettle|frying))|"
    r"\b(kill|killing|beat|beating|kick|kicking|shoot|shooting) myself (for|over|at the gym|in the foot|to (get|finish|meet|make)|trying|with (work|worry|overtime)|working|laughing)|shoot(ing)? myself in the foot|"
    r"\b(id|would|i would|rather|sooner) (rather |sooner )?(die|kill myself|be dead|shoot myself) (than|before) (eat|go|watch|wear|speak|sing|dance|present|ask|tell|let|call|see|admit|do|sit|work|use|have|give|be seen|listen|move|miss|phone|read|buy|drive|talk|stand)|"
    r"\bto die for\b|\bdying (for a|to (see|know|hear|meet|try|tell|go|get|read|find))|\bend(ing|ed)? it all (with|between)|\bend (it|things) with|"
    r"\b(jump|jumping) (off|into|in) (the |a )?(deep end|bandwagon|springboard|diving|pool)|(bungee|parachute|skydiv\w*)|"
    r"\bdie (a little|inside|laughing|trying|hard|hungry|happy|old|in peace)\b|\bdie (when|if|every time) (he|she|they|my|someone|people) (see|saw|look|read|find|ask|sing|call|hug|post)|wanted to die on the spot"
)
OVER = re.compile(
    r"\b(years? (ago|back|since|later|clean|behind)|decades? ago|back then|in those days|in my (teens|twenties|thirties|youth|early|late)|as a (teen\w*|kid|child|girl|boy|student)|"
    r"when i was (\w+ )?(\w+teen|\w+ty|\d+|young|younger|little|small|a (teen\w*|kid|child|girl|boy|student)|in (school|college|uni\w*))|at (school|college|uni\w*|fifteen|sixteen|seventeen|eighteen|\d\d)|"
    r"used to|once|in the past|long (ago|time ago|past|over|gone)|in (19|20)\d\d|last century|(\d+|two|three|four|five|six|seven|eight|nine|ten|many|several|a few|some) years|since then|before i (met|had|got))\b"
)
HEALED = re.compile(
    r"\b(not anymore|no longer|(its|thats|that is|it is|that was|it was) (all )?(over|behind me|in the past|another life|a different|long)|behind me|recovered|recovery|got (help|better|through)|glad (i|they|it|that|he|she)|grateful|thankful|never since|"
    r"not since|havent (since|had|felt|thought|done|touched)|havent\b|(am|im|been|much|feel|doing|things are|i got|so much) (\w+ )?(fine|well|better|okay|ok|happy|safe|stable|good|clean)( now)?|nowadays i|today i (am|can|would never)|would never|wouldnt (now|do)|"
    r"dont (think|feel|do|have) (\w+ )*(anymore|now)|years (clean|free|without|since)|came through|look back|looking back|hard to imagine|different person|stopped)\b"
)
STILL = re.compile(
    r"\b(again|tonight|right now|these days|still (do|want|think|feel|have|wish|am|there|get|cut|plan|keep)|lately|recently|coming back|came back|is back|are back|like then|once more|this (week|month|morning|evening|time)|last (week|night|month)|yesterday|today i (want|feel|cut|took)|"
    r"days? ago|weeks? ago|months? ago|and now i|now i (want|feel|think|wish|am thinking)|ever since|returned|next time|(the|those|these|my) (\w+ )?(thoughts|urges) (are|have))\b"
)
OTHERS = re.compile(
    r"\b(he|she|they|who|my (\w+ ){0,2}(friend|brother|sister|mother|father|son|daughter|cousin|uncle|aunt|wife|husband|boyfriend|girlfriend|partner|ex|neighbour|neighbor|roommate|flatmate|student|pupil|patient|client|colleague|coworker|boss|child|boy|girl|nephew|niece|grandmother|grandfather|teenager|caller)|"
    r"(a|the|some|this|one) (\w+ )?(friend|character|caller|patient|student|pupil|client|guy|girl|man|woman|boy|kid|person|stranger|singer|hero|heroine|narrator|protagonist|colleague|teenager|neighbour)|someone|somebody|no one|people|anyone) "
    r"((just|often|always|once|never|then|keeps?|kept|even|really|also|has|had|sometimes|suddenly) )*(said|says|say|saying|told (me|us|her|him|them)|tells (me|us)|texted( me)?|texts( me)?|texting( me)?|wrote( me)?|writes|writing|shouted|shouts|screamed|screams|posted|announced|threatened|threatens|goes|sings|whispers|whispered|messaged( me)?|cried|asked|asks)\W+(that |like |me |about |in (a|the) (text|letter) )*[\W]*$"
)
FICTION = re.compile(
    r"\b(song|lyrics?|film|movie|series|book|novel|novella|character|episode|poem|play|game|documentary|podcast|essay|thesis|article|scene|chapter|story|script|hamlet|romeo|juliet|anna karenina|training|course|lecture|seminar|shift|helpline|hotline|volunteer\w*|"
    r"samaritans|lesson|assignment|exam|workshop|leaflet|poster|slides|paper|campaign|chorus|sermon|role[- ]?play|statistics|survey|questionnaire|report on|degree|module|curriculum)\b"
)
_OWN = re.compile(r"\b(i|me|my) (want|wish|feel|am|have|might|will|would|cant|dont|could|should|keep)\b|\b(like me|so do i|me too|same here|i (get|understand) (him|her|why)|tempted)\b")
_BEREAVED = re.compile(
    r"\b(kill(ed|ing|s)? (him|her|them|your|him |her )sel(f|ves)|(took|taken|take|taking|ended|ending|end) (his|her|their) (own )?(life|lives)|(hang(ed)?|hung|shot|drowned|harm(s|ed|ing)?|hurt(s|ing)?|cut(s|ting)?|overdosed?) (him|her|them)sel(f|ves)|"
    r"(his|her|their) (own )?(suicid\w*|selfharm\w*|overdose|attempt)|(died|death|lost \w+( \w+){0,3}|loss) (by|to|through|from) suicid\w*|(friend|brother|sister|mother|father|son|daughter|cousin|uncle|aunt|wife|husband|ex|neighbour|student|colleague|patient|boyfriend|girlfriend|partner|he|she) (\w+ )?(attempted|committed) suicid\w*|"
    r"(he|she|they) (\w+ )?(is|was|were|are|feels?|felt|gets?|seems?) (\w+ )?suicidal|(he|she|they|\w+) wants to die|(he|she|they) (\w+ )?(wanted|want|wishes|wished) (to die|to be dead|he was dead|she was dead)|(he|she) (tried|wanted|threatens|threatened|attempted|threatening|threats|talks? of|talks? about|talked (of|about)) (to )?(ending it( all)?|suicid\w*|die|dying))\b"
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
    rest = _BEREAVED.sub("thirdperson", sentence)
    rest = IDIOM.sub("idiom", rest)
    for category, pattern in _COMPILED:
        while match := pattern.search(rest):
            taken = taken_back(rest, match, message, category)
            if not taken:
                return Heard(category, rest)
            rest = f"{rest[: match.start()]}{taken}{rest[match.end() :]}"
    return Heard("", rest)


def taken_back(sentence: str, match: re.Match[str], message: str, category: str) -> str:
    """Why the matched words are no crisis of the speaker's own now: one word, or empty where they are."""
    before = sentence[: match.start()]
    if NEGATED.search(before):
        return "denied"
    if OTHERS.search(before) or (before.endswith(("thirdperson ",)) and not _OWN.search(before)):
        return "reported"
    if FICTION.search(before) and not _OWN.search(before):
        return "fiction"
    if _over(sentence, message):
        return "longpast"
    return ""


def _over(sentence: str, message: str) -> bool:
    if STILL.search(message) and not re.search(r"\b(not|never|nothing|no|dont|havent) (\w+ ){0,3}again\b", message):
        return False
    return bool(OVER.search(message) and (HEALED.search(message) or OVER.search(sentence)))
