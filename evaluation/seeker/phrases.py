"""Phrases that give a seeker away: a helper's, a listener's, a program's; and those of thanks and leave-taking.

Patterns over plain lower-case English (`agents.text.plain`).  What a match means is decided in `evaluation/seeker/visible.py`.
"""

from __future__ import annotations

import re

from agents.text import stems

THANKS = re.compile(
    r"\b(thank(s| you)?|thx|ty|appreciate|grateful|bye|goodbye|good ?night|take care|see you|have a (good|nice|great|lovely))\b"
)
PARTING: frozenset[str] = frozenset(
    stems(
        "thank thanks thx ty appreciate grateful bye goodbye night goodnight take care see day evening week weekend nice good great lovely "
        "wonderful kind kindness help helped helping helpful listen listening talk talking chat chatting time best luck bless wish hope ok "
        "okay yes yeah sure same welcome glad feel better tomorrow later soon again everything advice support you too please stay safe "
        "bit ear words bye-bye cheers sorted ta friend man dear morning luck"
    )
)
"""Stems that stand in thanks and good-byes and tell nothing."""

LEAVE = re.compile(
    r"\b(bye|goodbye|good ?night|take care|see you( later| soon| then| around)?(?=[.!,:]|$)|signing off|logging off|"
    r"talk (to you )?(later|soon))\b"
)
HELPER = re.compile(
    r"\bhow (can|may) i (help|support|assist) you\b|"
    r"\bwhat (can i help you with|brings you (here|in)|would you like to (talk about|share))|"
    r"\bi('m| am) (always )?here (for you|to (listen|help you|support)|if you (need|want))|"
    r"\bhow (does|did|do) (that|this|it|all (this|that)) make you feel|"
    r"\byour feelings are (completely |totally |perfectly )?(valid|understandable|normal)|"
    r"\bthank you for (opening up|trusting me|reaching out)|"
    r"\b(would|do) you (want|like|feel comfortable) (to )?(talk(ing)?|tell(ing)? me|shar(e|ing)) (more|about)"
)
"""One of these is enough."""

LISTENER = re.compile(
    r"\b(it|that) (sounds|seems) (like|as if|as though) you('re|'ve| are| have| feel)?\b|"
    r"\bi (can )?(hear|imagine|see) (that |how )?(you('re|'ve)?|your)\b|"
    r"\byou('re| are) (not alone|doing (great|well|your best)|being (so |too )?hard on yourself)|"
    r"\bhave you (tried|considered|thought (of|about))\b|\byou (might|could) (try|want to|consider)\b|"
    r"\bit('s| is) (okay|ok|understandable|natural|normal) (to feel|that you)|"
    r"\bthank you for (sharing|telling me)|\b(can you )?tell me (more about|a (bit|little))|\bi want you to know (that )?(you|i)\b|"
    r"\bhow long have you (been|felt)\b|\bwhat (helps|has helped) you\b|"
    r"\bi('m| am) sorry (to hear (that )?you|(that )?you('re| are))"
)
"""People say one of these to be polite."""

PROGRAM = re.compile(
    r"\bas an? (ai|artificial intelligence|language model|assistant|chat ?bot)\b|"
    r"\b(i'm|i am) (an? )?(ai|language model|chat ?bot|virtual assistant)\b|"
    r"\b(system prompt|my (persona|character|role card|instructions|prompt) (is|says|would|are|tells?|wants?)|"
    r"the (persona|scenario) (says|is that|i was given)|role-?play(ing)? (as|a|the)|stay(ing)? in character|"
    r"my (trust|openness|patience|intensity) (level|score|is (at )?\d))|"
    r"\bwrite your next message|\bi can(no|')t (assist|help) with (that|this) request"
)
LABEL = re.compile(r"(^|\n)\s*(seeker|supporter|user|assistant|therapist|counsell?or|client)\s*:", re.IGNORECASE)
STAGE = re.compile(
    r"(^|\s)(\*[a-z]+ [^*\n]{2,80}\*|\[[a-z][^\]\n]{3,80}\]|"
    r"\((sighs?|pauses?|crying|cries|laughs?|silence|looks)[^)\n]{0,60}\))",
    re.IGNORECASE,
)
