"""What a card is about, where it does not say: the nearest problem type by TF-IDF, the emotion by its words, and who could be speaking.

English by words and themes, Chinese by keywords.  Guesses, and `cast.py` says so in its notes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from agents.emotions import Family, feelings
from agents.text import stems
from simulator.sampling import Kind, ages_of, occupations_of
from simulator.scenario import PROBLEM_TYPES, Scenario, Speakable

_CUES: dict[str, str] = {
    "ongoing depression": """depressed depression hopeless pandemic isolation isolated grief grieving loss death died pain illness health
        anxiety lonely loneliness disease symptoms hospital surgery trauma bipolar 抑郁 去世 焦虑 绝望 孤独 疾病 迷茫 情绪低落""",
    "job crisis": """job jobs work boss manager coworker co-worker worker colleague colleagues project layoff laid fired unemployed
        career resume interview company salary employer
        workload furlough supervisor money bills rent eviction debt 工作 领导 同事 上司 公司 辞职 失业 职业 加班 面试 老板 跳槽""",
    "breakup with partner": """breakup broke girlfriend boyfriend ex partner relationship cheated cheating infidelity divorce husband wife
        marriage fiancé affair dating romantic 分手 男友 女友 男朋友 女朋友 恋爱 离婚 丈夫 老公 妻子 婚姻 出轨 喜欢的人 暧昧 前任""",
    "problems with friends": """friend friends friendship best-friend roommate roommates neighbor party
        invited left-out group ghosted blocked plans
        闺蜜 朋友 友谊 舍友 室友 宿舍 邻居 人际""",
    "academic pressure": """exam exams study studying class classes grade professor student semester thesis school college homework
        assignments deadlines university finals 考试 学习 成绩 老师 考研 论文 学校 高考 作业 上课 专业 同学""",
    "sleep problems": "sleep insomnia awake nightmares tired 失眠 睡眠 熬夜 做梦",
    "procrastination": "procrastination procrastinate procrastinating motivation distraction deadlines 拖延 自律 动力 专注 自控",
    "appearance anxiety": "appearance ugly weight body skin hair looks overweight mirror acne shaming 外貌 身材 长相 减肥 容貌 体重",
    "alcohol abuse": "alcohol drinking drunk alcoholism sober sobriety beer wine dui 喝酒 酗酒 酒精",
    "conflict with parents": "parents mother father mom dad arguments curfew move out strict 父母 妈妈 爸爸 母亲 父亲 家人 原生家庭",
    "issues with parents": "parents mother father elderly caring divorced dementia aged 父母 照顾 养老 赡养",
    "issues with children": "daughter son child children kids toddler teenage parenting baby 孩子 儿子 女儿 育儿 教育",
    "school bullying": "bullied bullying classmates mocked 校园霸凌 欺负 霸凌 孤立 嘲笑",
}
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_CUE_WEIGHT = 3
_COMMON = frozenset(PROBLEM_TYPES[:5])
_RARE = 0.75
"""The first five problem types are 93% of ESConv, so a rare one has to fit clearly better."""

_EMOTION_OF: dict[Family, str] = {
    Family.ANXIETY: "anxiety",
    Family.FEAR: "fear",
    Family.SADNESS: "sadness",
    Family.DEPRESSION: "depression",
    Family.LONELINESS: "sadness",
    Family.ANGER: "anger",
    Family.SHAME: "shame",
    Family.GUILT: "guilt",
    Family.DISGUST: "disgust",
    Family.JEALOUSY: "jealousy",
    Family.HURT: "sadness",
    Family.EXHAUSTION: "anxiety",
    Family.CONFUSION: "anxiety",
}
_CHINESE_EMOTIONS: tuple[tuple[str, str], ...] = (
    ("抑郁|绝望|低落|提不起兴趣|空虚", "depression"),
    ("焦虑|担心|压力|紧张|纠结|迷茫", "anxiety"),
    ("愤怒|生气|恼火|愤恨|不满|气愤", "anger"),
    ("害怕|恐惧|恐慌", "fear"),
    ("自责|内疚|愧疚|后悔", "guilt"),
    ("羞|自卑|丢脸", "shame"),
    ("难过|伤心|委屈|失落|痛苦|孤独", "sadness"),
    ("厌恶|恶心|反感", "disgust"),
    ("嫉妒|吃醋", "jealousy"),
)


def nearest_theme(text: str, themes: Mapping[str, Scenario], *, choices: Iterable[str] = ()) -> str:
    """The problem type, among those of `themes`, whose theme is nearest to the text; the first in order when nothing fits.

    Raises:
        ValueError: there is no theme.
    """
    kinds = [kind for kind in (choices or themes) if kind in themes]
    if not kinds:
        raise ValueError("no theme to borrow from")
    if _CHINESE.search(text):
        return max(kinds, key=lambda kind: sum(text.count(cue) for cue in _CUES.get(kind, "").split() if _CHINESE.match(cue)))
    documents = {kind: _document(kind, themes[kind]) for kind in kinds}
    spread = Counter(word for words in documents.values() for word in words)
    weights = {word: math.log((1 + len(kinds)) / (1 + count)) + 1 for word, count in spread.items()}
    said = Counter(stems(text))
    return max(kinds, key=lambda kind: _cosine(said, documents[kind], weights) * (1.0 if kind in _COMMON else _RARE))


def _document(kind: str, theme: Scenario) -> Counter[str]:
    words = Counter(stems(" ".join((theme.situation, *theme.openings, *(fact.plain for fact in theme.facts)))))
    own = sum(words.values()) or 1
    cues = stems(_CUES.get(kind, kind))
    for word in cues:
        words[word] += max(1, _CUE_WEIGHT * own // (10 * len(cues)))
    return words


def _cosine(left: Counter[str], right: Counter[str], weights: Mapping[str, float]) -> float:
    shared = sum(left[word] * right[word] * weights[word] ** 2 for word in left if word in right)
    length = math.sqrt(sum((count * weights[word]) ** 2 for word, count in right.items()))
    return shared / length if length else 0.0


def emotion_of(text: str, default: str) -> str:
    """The first emotion that the text names, as an ESConv type; the default when it names none."""
    if _CHINESE.search(text):
        places = [(match.start(), kind) for pattern, kind in _CHINESE_EMOTIONS if (match := re.search(pattern, text))]
        return min(places)[1] if places else default
    return next((_EMOTION_OF[family] for _, family in feelings(text) if family in _EMOTION_OF), default)


_KINDS: tuple[tuple[str, Kind], ...] = (
    (
        r"lost (?:my |the |his |her |their )?job|laid off|unemploy|furlough|"
        r"find(?:ing)? (?:a |new )*(?:job|work|employment)|job (?:seek|search|reject)|失业|找工作|辞职后",
        "seeking",
    ),
    (
        r"\bexams?\b|professor|semester|thesis|college|classes|homework|final grade|my grades|考试|老师|同学|宿舍|舍友|考研|高考|作业|论文",
        "study",
    ),
    (r"\bboss|coworker|co-worker|colleague|manager\b|at work\b|workload|\bcompany\b|领导|同事|上司|公司|加班|工作", "work"),
)
_FLOORS: tuple[tuple[str, int], ...] = (
    (r"grandson|granddaughter|grandkid|grandchild|孙子|孙女", 48),
    (r"teenage (?:daughter|son)|1\d-year-old (?:daughter|son)", 36),
    (r"adult child", 48),
    (
        r"\b(?:husband|wife|married|marriage|marital|divorc\w+|fianc\w+|my (?:kids|son|daughter|children)|"
        r"(?:her|his|their) (?:\w+ )?(?:kids|son|daughter|child|children)|toddler)\b|丈夫|老公|妻子|婚姻|结婚|婆婆",
        23,
    ),
    (r"mortgage|landlord|\bboss\b|coworker|career|\brent\b|孩子", 19),
)
_SCHOOL = re.compile(r"high school student|in high school|高中|初中")
_YEARS = re.compile(r"\b(?:of|for|in|over|with|to|last) (?:over |almost |nearly )?(\d{1,2}) years")


def speaker_of(text: str, theme: Scenario) -> Speakable:
    """Who can have said this: the theme's ages and genders, narrowed by what the text tells of the person."""
    low, high = theme.speaker.ages
    floors = [floor for pattern, floor in _FLOORS if re.search(pattern, text, re.IGNORECASE)]
    floors += [15 + int(years) for years in _YEARS.findall(text) if int(years) < 45]
    low = min(max([low, *floors]), 75)
    if _SCHOOL.search(text) and not floors:
        low, high = 15, 18
    kinds = [kind for pattern, kind in _KINDS if re.search(pattern, text, re.IGNORECASE)][:1]
    return Speakable(
        ages=(low, max(low, high)),
        genders=theme.speaker.genders,
        occupations=_jobs(kinds, low, max(low, high)) or theme.speaker.occupations,
    )


def _jobs(kinds: list[Kind], low: int, high: int) -> tuple[str, ...]:
    """The space's occupations of these kinds; none where no age would fit them."""
    return tuple(job for job in occupations_of(*kinds) if ages_of(job)[0] <= high and ages_of(job)[1] >= low) if kinds else ()
