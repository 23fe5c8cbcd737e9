"""Phrases that give a reply away: stock phrases, hurry, dryness, warmth, pressure, belittling, praise.

Patterns over plain lower-case English (`agents.text.plain`).  Both the critic and the seeker's ear use them as a vocabulary; what a
match means is decided there.
"""

from __future__ import annotations

import re

CLICHE = re.compile(
    r"i (totally |completely |really |fully |can )?(understand|get|know) (exactly )?(how|what) you('re| are)? (feel|going|mean|must)|"
    r"i understand (your|you\b|that (this|it|you)|completely|how)|everything (will|is going to|happens|works|gets|always)|time (will )?heals?|"
    r"stay (strong|positive)|be (strong|positive)|keep (your (head|chin)|smiling|fighting|the faith)|keep going[.!]|hang in there|chin up|look after yourself|"
    r"you('ve| have) got this|you can do (it|this|anything)|believe in yourself|it('ll| will| is going to|'s going to) (all )?(be (ok|okay|fine|alright|all right)|"
    r"get (better|easier)|pass|work (itself )?out)|things (will|always|tend to|do|have a way)|this too shall|light at the end|"
    r"one (day|step) at a time|tomorrow is (a new|another) day|(every|each) (day|cloud|problem)|i('m| am) (always )?here (for you|to (help|listen|support)|if you)|"
    r"i('m| am) (so |very |really |truly )?sorry (to hear|you're|you are|that you|for (you|what))|you('re| are) not alone|(that|this|it) must be (so |very |really )?(hard|difficult|tough)|"
    r"(that|this|it) (sounds|seems|is) (really |very |so )?(hard|difficult|tough|challenging|stressful|awful|frustrating)( for you)?[.!]|you must be feeling (bad|sad|down)|"
    r"many people (feel|go|have|experience|struggle)|lots of people|everyone (goes|has|feels|struggles)|we all (have|go|feel|been)|been there|"
    r"life (is|has|can|goes)|what doesn't kill|meant to be|for a reason|thank you for sharing|thanks for sharing|your feelings are valid|"
    r"(ups and downs|feel free to|reach out (any|when)|take it easy|don't (give up|worry)|trust the process|good things|better days|plenty more|"
    r"sending (you )?|no matter what|count your blessings|at the end of the day|keep in mind that|remember that you|you are (strong|enough|amazing|valued)|you're (strong|enough|amazing))",
)
HURRY = re.compile(
    r"(^|[.!,;] )(just |maybe |then |so |now )?(try|go (for|to|out|and)|take (a|up|some)|make (a|yourself)|start|stop|focus|join|download|call|book|get (a|some|out|yourself|more)|"
    r"think (of|about) (the|all|how|something)|look (at|on|forward|for)|write (down|a)|let's|forget|smile|cheer up|move on|drink|sleep|buy|find (a|some|another|yourself)|"
    r"distract|keep (busy|a)|set (a|up|yourself)|do some|put (it|that)|see it|treat yourself|pick|turn (it|this)|leave (it|that|him|her)|talk to|speak to|ask (him|her|them|your|for)|update|apply|switch|delete|plan)\b|"
    r"(?<!what )\bhave you (ever )?(tried|considered|thought (of|about))|\bwhy (don't|not)\b|\byou (should|need to|have to|must (?!feel|be|have)|ought|just|'?d better|could (always|just|simply))\b|"
    r"\bhow about\b|\bwhat about\b|bright side|silver lining|at least\b(?!\?)|good news|look forward|on the plus|positive(s|ly)?\b|move on|get over|moving forward|"
    r"\b(yoga|meditation|meditate|exercise|jogging|gym|hobby|vitamins?|journal(ling|ing)?|gratitude|herbal|app)\b|opportunit|blessing|in no time|solution|(does|works|do|work) wonders|great for (that|this)|quick (tip|fix)|problem solved|into perspective|in perspective|in a week\b|"
    r"(^|[.!] )(just |then )?(breathe|read|eat|put|keep|give|use|watch|listen to|play|walk|run|cook|clean|count|imagine|consider|avoid|quit|change|learn|practi[cs]e|visit|enjoy|relax|rest|"
    r"have a|spend|volunteer|replace|cut|drop|block|ignore|tick|plan|schedule|organi[sz]e|split|choose|accept|reward|celebrate|think)\b|volunteering|\bi'd (put|just|simply|get|make|book|start)\b|"
    r"you can fix|cheer you up|self-help|vegetables|hot bath|budget sheet|to-do list|early night|"
    r"fix (it|this|that)|sort(ed)? (it )?out|get (straight )?(on|down) (with|to)"
)
DRY = re.compile(
    r"\b(it happens|that happens|things (like (that|this)|with [a-z' ]+) go|that's (life|one way|clear enough|how it is|that|normal)|go like that|"
    r"(any|your) hobb|for a living|brothers (or|and) sisters|siblings|how old|your age|(full|part)[- ]time|do you (drive|own|rent|cook|read|watch|play)|"
    r"(the|a) (match|game|film|series|football)\b|whose (idea|fault|decision)|did you (keep|read|sign|check|save|get) (a |the |any |it |that )|(knew|took) the risk|"
    r"keep (a|the) (record|receipt)|interesting case|what else|leaving .{2,25} aside|to do with it|next[?.]|isn't (really )?(a|the) (problem|issue)|"
    r"on (your|the) list|in the matter of|be that as it may|is it\?$|isn't it\?$|didn't you\?$|aren't you\?$)"
    r"|"
    r"^(ok(ay)?|right|noted|fine|i see|got it|sure|alright|understood|yes|anyway|moving on|next|well|fair enough|hm+|ah|and|so|interesting|good to know)\b[.,!]?"
    r"|\b(what time|what day|what date|how many|how much|how far|how old|which (floor|bus|day|department|company|brand|one|number|year)|what (year|colour|number|brand|kind|sort|make|model)|"
    r"what's the (name|address|date|weather)|weather|by the way|speaking of|spell|postcode|other (topics?|things?|news)|for the record|technically|statistically|change the subject)\b"
)
WARM = re.compile(
    r"\b(no wonder|of course|makes? sense|a lot to|that's (a|quite|some|not|so)|what a|you('ve| have) been|you('ve| have) had|must have|it takes|thank you for (telling|saying|trusting)|"
    r"sounds? (like|as)|i can (hear|see|tell|imagine)|i hear|i'd be|anyone would|who wouldn't|weigh|heavy|carry|carried|after (a|all|such)|i'm (so )?sorry|glad you|hard|sore|"
    r"it (hurts|stings|aches)|understandable|fair enough|no small|gentle|gently|slow|kind)\b"
)
TENTATIVE = re.compile(
    r"\b(might|maybe|perhaps|could (be|help)|one (idea|thing|option|way)|if (it|you|that)|some (people|find)|worth|when you're ready|i wonder|small)\b"
)
PRESSURE = re.compile(
    r"\byou (should|need to|must (?!feel|be|have)|have to|ought to|'?d better)\b|\bjust (do|stop|get|tell|leave|call|go|forget|move|try|be)\b|\bpull yourself\b|\bsnap out\b|"
    r"\b(you have got to|you've got to|what are you waiting for|no excuses|get over it|get a grip)\b"
)
MINIMISING = re.compile(
    r"\bat least\b|could be worse|(others|people|some) (have|had) it (much )?worse|not (that|so) bad|no big deal|overreact|too sensitive|calm down|"
    r"don't worry|nothing to (worry|cry|be)|everyone (has|goes|feels)|we all|first world|not the end of the world|in the grand scheme|cheer up|lighten up"
)
PRAISE = re.compile(
    r"\b(amazing|wonderful|incredible|awesome|fantastic|brilliant|great person|so strong|so brave|perfect|best|beautiful person|superstar|hero|inspiring|inspiration|"
    r"special|remarkable|extraordinary|talented|genius)\b"
)
