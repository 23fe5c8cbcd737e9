"""What a card is about, where it does not say: the nearest problem type, the emotion by its words, and who could be speaking.

English by cues and, between those, nearness to the themes (TF-IDF); Chinese by cues.  Guesses, and `cast.py` says so in its notes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise

from agents.emotions import Family, feelings
from agents.text import stems
from simulator.sampling import Kind, ages_of, occupations_of
from simulator.scenario import PROBLEM_TYPES, Scenario, Speakable

_CUES: dict[str, str] = {
    "ongoing depression": """depressed depression depressive hopeless hopelessness lethargic suicidal trauma rape*
        raped* bipolar numb empty meaningless pandemic lockdown ptsd soldiers combat
        抑郁 抑郁症 绝望 迷茫 情绪低落 低落 无意义 没有意义 意义感 空虚 双相* 自残 创伤 消极 无助""",
    "job crisis": """job jobs working boss manager coworker co-worker worker workday colleague colleagues project
        layoff laid fired unemployed unemployment employment employer employee career resume interview company salary
        promotion freelance hr workplace workload furlough supervisor principal
        工作 领导 同事 上司 公司 辞职 失业 职业 职场 加班 面试 老板 跳槽 入职 主管 离职 找工作 单位 薪资 校长 备课""",
    "breakup with partner": """breakup* break broken broke* girlfriend_left* boyfriend_left* husband_left* wife_left*
        partner_left* requested_divorce* relationship_ended* wants_space* girlfriend boyfriend ex ex-boyfriend
        ex-girlfriend ex-partner cheated cheating infidelity dumped reconcile reconciliation separation dating crush
        infatuation romantic exclusive
        分手* 恋爱 喜欢的人 女孩子 暧昧 前任 前男友 前女友 复合 初恋 失恋* 表白 相亲 单恋 暗恋 提出分手*""",
    "problems with friends": """friend friends friendship best_friend roommate roommates neighbor neighbour landlord
        party invited excluded group ghosted blocked plans dishes
        闺蜜 朋友 友谊 舍友 室友 宿舍 寝室 邻居 人际 人际关系 社交 交友""",
    "academic pressure": """exam exams study studying class grade professor student semester thesis school college
        homework assignments deadlines university finals test teacher
        考试 学习 学业 成绩 考研 论文 学校 高考 作业 上课 专业 大学 高三 复习 备考 选课 考博""",
    "sleep problems": """sleep sleeping sleepless insomnia* awake nightmares
        失眠* 睡眠 熬夜 做梦 噩梦 睡不着""",
    "procrastination": """procrastination* procrastinate procrastinating organization distraction distractions
        motivation deadlines adhd
        拖延* 自律 动力 专注 自控 自控力 沉迷 打卡 坚持""",
    "appearance anxiety": """appearance* ugly weight skinny body hair looks overweight mirror acne body_shaming
        unattractive
        外貌 外表 身材 长相 减肥 节食* 催吐 容貌 体重 身高 发型""",
    "alcohol abuse": """alcohol alcohol_use* drinking drunk* alcoholism* alcoholic sober sobriety beer wine dui*
        喝酒 酗酒* 酒精""",
    "conflict with parents": """parents mother father mom dad arguments curfew move_out strict stepfather approve
        父母 妈妈 爸爸 母亲 父亲 原生家庭 控制欲 管教""",
    "issues with parents": """parents mother father mom dad relationship_father* relationship_mother*
        relationship_parents* elderly aged caring divorced dementia
        父母 母亲 父亲 养老 赡养 洁癖""",
    "issues with children": """daughter son child children kids toddler teenage parenting infant baby
        孩子 儿子* 女儿* 育儿 教育 大宝 二胎 亲子 叛逆""",
    "school bullying": """bullied bullying* bully classmates mocked
        校园霸凌* 欺负 霸凌* 孤立 嘲笑 排挤""",
    "problems with partner": """husband* wife* abuse spouse partner marriage marital married boyfriend* girlfriend*
        fiancé fiancée fiance trust distrust suspicious jealous infidelity affair cheated cheating sex sexual porn
        intimacy relationship couple long-distance divorce abusive
        丈夫 老公 妻子 老婆 婚姻 夫妻 结婚 离婚 出轨 男友 女友 男朋友 女朋友 感情 恋爱 信任 不信任 冷战 异地 异地恋
        安全感 伴侣 配偶 情侣 家暴 催婚""",
    "grief": """grief* grieve* mourning bereaved bereavement* deceased* died dies death loss_father loss_mother
        loss_friend loss_grandmother loss_dog loss_parents loss_beloved unexpected_loss passed_away passing_mother
        funeral miscarriage*
        去世 离世 过世 逝世 丧亲 亲人离开 哀伤 悼念 葬礼 想念已故""",
    "health worries": """health illness ill disease disorder symptoms symptom diagnosis diagnosed diagnose doctor
        medical hospital surgery cancer pain chronic infection infected injury injured medication medications dose
        blood lung heart chest breathing nausea vomiting virus covid antibodies tetanus hiv cpr fainting tooth
        swelling muscle bone fever erection cardiac psychiatrist withdrawal
        疾病 生病 病情 医院 医生 手术 症状 癌症 疼痛 头疼 心脏 检查 疑病 身体健康 身体不适 传染 前列腺 怀疑自己患""",
    "money troubles": """money financial financially finances debt* debts loan loans bills rent eviction* evicted
        homeless mortgage afford broke savings repay repaying repossessed utilities auctioned owe owing lent borrowed
        income
        欠债 债务 负债 贷款 借贷 借钱 还钱 欠款 网贷 经济困难 经济压力 经济负担 经济问题 购物 消费 过度消费 消费欲 房贷
        缺钱 赌博""",
    "loneliness": """lonely loneliness* alone isolated isolation disconnected companionship social_interactions
        human_contact human_interaction friendless missing_friends
        孤独* 孤单* 寂寞 没有朋友 无人倾诉 独处""",
    "problems with family": """family sister* brother* sibling* cousin aunt uncle relatives relative in-law in-laws*
        mother-in-law* grandmother grandfather grandparents stepson compared estrangement
        家人 亲戚 婆婆* 公公* 公婆* 岳父 岳母 婆媳 姐姐 妹妹 哥哥 弟弟 弟媳 嫂子 爷爷 奶奶 外婆 姥姥 家庭矛盾 家庭关系
        家庭冲突 偏心 攀比 重男轻女 大家庭""",
}
"""What a card says when it is about this.  `_` and `-` join words that count together, `*` marks one that counts twice, and a cue of
several problem types counts less for each."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_EARLY = 10
_EARLY_CHINESE = 24
"""The first words (in Chinese, characters) of a card say what it is about; they count twice."""
_BROAD = ("ongoing depression", "problems with friends", "loneliness")
"""What is borrowed from when no cue is found: takes neither work nor a partner for granted."""
_RARE = frozenset(PROBLEM_TYPES[5:9]) | {"school bullying"}
_RARENESS = 0.85
"""A rare problem type has to fit clearly better."""
_TIE = 0.5
"""What nearness to the theme's own text counts against the cues."""

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
    points = _cued(text, kinds)
    if not any(points.values()):
        kinds = [kind for kind in _BROAD if kind in kinds] or kinds
    if not _CHINESE.search(text):
        near = _nearness(text, {kind: themes[kind] for kind in kinds})
        points = {kind: points[kind] + _TIE * near[kind] for kind in kinds}
    return max(kinds, key=lambda kind: points[kind] * (_RARENESS if kind in _RARE else 1.0))


@cache
def _cues(kind: str) -> dict[str, int]:
    """Chinese cues as they stand, English ones as stems, and how much each counts."""
    weights: Counter[str] = Counter()
    for cue in _CUES.get(kind, kind.replace(" ", "_")).split():
        weights |= Counter({cue.rstrip("*") if _CHINESE.match(cue) else " ".join(stems(cue.replace("_", " "))): 1 + cue.count("*")})
    return weights


@cache
def _chinese_cues() -> re.Pattern[str]:
    """All of them, the longest first, so that a boyfriend is not a friend."""
    cues = {cue for kind in _CUES for cue in _cues(kind) if _CHINESE.match(cue)}
    return re.compile("|".join(sorted(cues, key=lambda cue: (-len(cue), cue))))


def _cued(text: str, kinds: list[str]) -> dict[str, float]:
    """How much the text uses each kind's cues: a cue of several kinds is shared out, and an early one counts twice."""
    if _CHINESE.search(text):
        found = [(match.group(), match.start() < _EARLY_CHINESE) for match in _chinese_cues().finditer(text)]
    else:
        said = stems(text)
        found = [(word, place < _EARLY) for place, word in enumerate(said)]
        found += [(f"{word} {after}", place < _EARLY) for place, (word, after) in enumerate(pairwise(said))]
    times: Counter[str] = Counter()
    for cue, early in found:
        times[cue] += 2 if early else 1
    owners = Counter(cue for kind in kinds for cue in _cues(kind) if cue in times)
    return {
        kind: sum(weight * math.log1p(times[cue]) / math.sqrt(owners[cue]) for cue, weight in _cues(kind).items() if cue in times)
        for kind in kinds
    }


def _nearness(text: str, themes: Mapping[str, Scenario]) -> dict[str, float]:
    """TF-IDF cosine of the text and the themes' own words."""
    documents = {
        kind: Counter(stems(" ".join((theme.situation, *theme.openings, *(fact.plain for fact in theme.facts)))))
        for kind, theme in themes.items()
    }
    spread = Counter(word for words in documents.values() for word in words)
    weights = {word: math.log((1 + len(themes)) / (1 + count)) + 1 for word, count in spread.items()}
    said = Counter(stems(text))
    return {kind: _cosine(said, document, weights) for kind, document in documents.items()}


def _cosine(left: Counter[str], right: Counter[str], weights: Mapping[str, float]) -> float:
    shared = sum(left[word] * right[word] * weights[word] ** 2 for word in left if word in right)
    lengths = [math.sqrt(sum((count * weights.get(word, 1.0)) ** 2 for word, count in side.items())) for side in (left, right)]
    return shared / math.prod(lengths) if all(lengths) else 0.0


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
