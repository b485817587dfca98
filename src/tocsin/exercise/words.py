"""Every sentence of an exercise's report, in both languages."""

import re
from collections.abc import Mapping

from tocsin.charts.words import Said, fill
from tocsin.exercise.scenario import Policy, Scenario

WORDS: Mapping[str, Said] = {
    "title": Said("Exercise", "推演"),
    # the opening
    "lead": Said(
        "{policy}: about {worth} of the harm is averted.",
        "{policy}，约可避免 {worth} 的危害。",
    ),
    "lead_little": Said(
        "{policy}: next to none of the harm is averted.",
        "{policy}，几乎不能避免危害。",
    ),
    "lead_cost": Said(
        "Beside the {base} accounts of innocent people in 100,000 that providers close by mistake on their own in a "
        "year, {extra} more are closed because others said so.",
        "每 10 万名无辜者中，各服务商自身误判每年会误封 {base} 个账号；因采信其他成员的警示，"
        "另有 {extra} 个账号被误封。",
    ),
    "lead_range": Said(
        "In nine of ten runs, {low} to {high} of the harm is averted, and {few} to {many} more accounts are closed.",
        "十次推演中有九次：避免的危害在 {low} 到 {high} 之间，另外误封的账号在 {few} 到 {many} 个之间。",
    ),
    "figures": Said("Headline figures", "主要数字"),
    "runs": Said("runs", "次推演"),
    "campaigns": Said("campaigns a run", "起系列活动（每次推演）"),
    "days": Said("days", "天"),
    "providers": Said("providers", "家服务商", "provider"),
    "sides": Said("sides", "方", "side"),
    # the way through the page
    "plain_nav": Said("In plain words", "通俗说明"),
    "worth_nav": Said("Worth and cost", "收益与代价"),
    "time_nav": Said("Until all know", "全体知悉"),
    "hangs_nav": Said("What it hangs on", "影响因素"),
    "compare_nav": Said("Policies compared", "做法比较"),
    "read_nav": Said("How to read it", "如何解读"),
    "assumed_nav": Said("Assumptions", "假设"),
    # in plain words
    "plain_head": Said("In plain words", "通俗说明"),
    "plain_story": Said(
        "Campaigns of misuse run at one provider until they are found and banned there; many then move to the next "
        "one, or to where nobody watches. When providers share alarms, the next door may already be shut. But alarms "
        "can be wrong, and then somebody innocent stands before shut doors everywhere.",
        "系列滥用活动在一家服务商处运行，直到被发现并封禁；之后往往转移到下一家，或转移到无人监测之处。服务商共享警示后，下一家可能"
        "早已将其拒之门外。但警示也会出错，此时无辜者会处处碰壁。",
    ),
    "plain_row": Said(
        "{policy}: {left} of 100 parts of harm remain, and {extra} more accounts of innocent people are closed.",
        "{policy}：100 份危害还剩 {left} 份，另有 {extra} 个无辜者的账号被误封。",
    ),
    "plain_row_free": Said(
        "{policy}: {left} of 100 parts of harm remain, and no further account of an innocent person is closed.",
        "{policy}：100 份危害还剩 {left} 份，没有其他无辜者的账号被误封。",
    ),
    "plain_none": Said(
        "Take the harm that is done while nobody shares as 100 parts, and look at 100,000 innocent people for a year.",
        "把互不共享时造成的危害看作 100 份，并观察 10 万名无辜者一年的情况。",
    ),
    # worth and cost
    "worth_head": Said("Harm averted", "避免的危害"),
    "worth_about": Said(
        "Against the same campaigns when nobody shares, harm outside included. The dot is the middle run, the line "
        "holds nine of ten.",
        "与互不共享时的同一批系列活动相比，已计入转移到体系外的危害。圆点为中位数，横线覆盖十次推演中的九次。",
    ),
    "worth_below": Said(
        "Where a line reaches below zero, sharing did more harm than good in some runs: bans drove campaigns outside, "
        "where nobody finds them.",
        "横线伸到零以下，表示在部分推演中共享弊大于利：封禁把系列滥用活动推向无人发现的体系外。",
    ),
    "cost_head": Said("Innocent accounts closed", "被误封的账号"),
    "cost_about": Said(
        "Accounts of innocent people closed a year, per 100,000 people, whoever erred or lied first.",
        "每 10 万名无辜者每年被误封的账号数，无论最初是误判还是虚假警示所致。",
    ),
    "col_policy": Said("What providers do", "做法"),
    "col_averted": Said("Harm averted", "避免的危害"),
    "col_accounts": Said("Innocent accounts closed", "被误封账号"),
    "col_known": Said("Known everywhere after 90 days", "90 天内全体知悉"),
    "col_outside": Said("End outside", "转到体系外"),
    "col_reviews": Said("Reviews a day", "每日研判数"),
    "table_about": Said(
        "Middle run and nine of ten runs; accounts per 100,000 people and year; reviews a day at one provider.",
        "中位数及十次中九次的范围；账号数按每 10 万人每年计；研判数为每家服务商每日数量。",
    ),
    # until all know
    "time_head": Said("Days until every provider knows", "全体知悉所需天数"),
    "time_about": Said(
        "Share of campaigns to which every provider is closed, by days since they began. A campaign that is still "
        "unknown somewhere when the exercise ends counts as watched until then and no longer; after {days} days {rest} "
        "are not known everywhere even where most is shared.",
        "自系列活动开始起，被所有服务商拒之门外的系列活动占比。推演结束时仍有服务商不知悉的系列活动，只计入其被观察的时段；即使共享"
        "最充分，{days} 天后仍有 {rest} 的系列活动未被全体知悉。",
    ),
    "time_axis": Said("days since a campaign began", "系列活动开始后的天数"),
    # what it hangs on
    "hangs_head": Said("What the outcome hangs on", "结果取决于什么"),
    "hangs_about": Said(
        "Every run draws its own numbers from the assumed ranges. The charts rank-correlate them with what came out: "
        "+1 means the more the more, −1 the more the less; between −{chance} and +{chance} it may be chance. "
        "Shown for: {policy}.",
        "每次推演都从假设区间中各取一组数值。图中为其与结果的秩相关：+1 表示越大越高，−1 表示越大越低；"
        "在 −{chance} 与 +{chance} 之间可能只是偶然。所示做法：{policy}。",
    ),
    "hangs_worth": Said("on harm averted", "对避免的危害"),
    "hangs_cost": Said("on innocent accounts closed", "对被误封的账号"),
    "hangs_none": Said(
        "The scenario leaves nothing open, so there is nothing to rank.",
        "该情景没有未定的参数，无从排序。",
    ),
    # policies compared
    "compare_head": Said("Policies compared run by run", "逐次比较各种做法"),
    "compare_about": Said(
        "All policies meet the same campaigns, people and chances. The table gives the mean difference and its 95% "
        "confidence interval: that is certainty about this model, not about the world.",
        "各种做法面对同一批系列活动、同一批人和同样的随机因素。表中为平均差值及其 95% 置信区间："
        "它只反映对模型的把握，不反映现实。",
    ),
    "col_gain": Said("Harm averted, points", "避免的危害（百分点）"),
    "col_price": Said("Innocent accounts", "被误封账号"),
    "pair": Said("{policy}, instead of: {against}", "以“{policy}”替代“{against}”"),
    # how to read it
    "read_head": Said("What may be read from this, and what not", "可以解读什么，不可以解读什么"),
    "read_may": Said(
        "May be read: which policy comes before which, whether the order holds over the whole range of assumptions, "
        "and which unknown decides most. Those are the numbers worth measuring.",
        "可以解读：哪种做法优于哪种，这一次序在整个假设范围内是否成立，以及哪个未知因素最关键；这些正是值得去实测的数值。",
    ),
    "read_not": Said(
        "Not to be read: any figure as a forecast. How often providers find misuse, how fast it returns and how much "
        "is believed is published nowhere that we found; all of it is assumed as ranges.",
        "不可解读：把任何数值当作预测。服务商发现滥用的概率、系列滥用活动重现的速度、警示被采信的程度，"
        "均未见公开数据，全部为假设区间。",
    ),
    "read_left_out": Said(
        "Left out: campaigns at several providers at once, deterrence before the first ban, trust that is lost or won, "
        "what the work costs, and harm by those who share. Innocent people are hit only by closed accounts here.",
        "未予考虑：同时在多家服务商运行的系列活动、首次封禁之前的威慑、信任的增减、工作成本，以及共享者自身造成的危害。无辜者"
        "所受影响在此仅计账号被误封。",
    ),
    "read_exact": Said(
        "The engine is checked against cases that are known exactly: tocsin exercise check.",
        "推演引擎已用可精确求解的情形核对：tocsin exercise check。",
    ),
    "caveat": Said(
        "Assumed ranges: read the order, not the figures.",
        "参数均为假设区间：只看先后次序，不取具体数值。",
    ),
    # assumptions
    "assumed_head": Said("What was assumed", "所作假设"),
    "assumed_about": Said(
        "{n} numbers are left open; every run draws each of them anew from its range.",
        "共有 {n} 个未定数值；每次推演都从各自区间重新取值。",
        "One number is left open; every run draws it anew from its range.",
    ),
    "assumed_open": Said("Show all ranges", "显示全部区间"),
    "col_what": Said("Assumption", "假设"),
    "col_low": Said("Lowest", "最低"),
    "col_high": Said("Highest", "最高"),
    "foot": Said(
        "Scenario {name}, digest {digest}; seed {seed}, {runs} runs; Tocsin {version}. The same scenario and seed give "
        "the same page.",
        "情景 {name}，摘要 {digest}；种子 {seed}，{runs} 次推演；警钟 {version}。同一情景与种子生成同样的页面。",
    ),
}

POLICIES: Mapping[str, Said] = {
    "together": Said("{policy}, own findings included", "{policy}（自身发现亦同）"),
    "none": Said("Nobody shares", "互不共享"),
    "side-automatic": Said("Sides share inside, act at once", "仅本方共享，收到即处置"),
    "side-corroborated": Said("Sides share inside, act when {need} agree", "仅本方共享，{need} 家印证后处置"),
    "side-review": Said("Sides share inside, act after review", "仅本方共享，研判后处置"),
    "all-automatic": Said("All share, act at once", "全体共享，收到即处置"),
    "all-corroborated": Said("All share, act when {need} agree", "全体共享，{need} 家印证后处置"),
    "all-review": Said("All share, act after review", "全体共享，研判后处置"),
}

RANGES: Mapping[str, Said] = {
    "recall": Said("Finding {key}, chance a day", "每日发现 {key} 的概率"),
    "false_positives": Said("False {key} flag, chance a year", "每年误判为 {key} 的概率"),
    "capacity": Said("Alarms reviewed a day", "每日可研判的警示数"),
    "heed": Said("Heed for side {key}", "对 {key} 方警示的采信率"),
    "delay": Said("Days until an alarm is heard", "收到警示所需天数"),
    "size": Said("Size", "规模"),
    "lifetime.median": Said("Days until it ends by itself", "自行结束前的天数"),
    "lifetime.sigma": Said("Spread of these days", "上述天数的离散程度"),
    "displacement": Said("Goes on after a ban", "被封禁后继续活动的概率"),
    "return_delay.median": Said("Days until it is back", "重新出现所需天数"),
    "return_delay.sigma": Said("Spread of these days", "上述天数的离散程度"),
    "skill_growth": Said("Skill learnt from each ban", "每次封禁后躲避能力的提升"),
    "harm": Said("Harm a day", "每日危害"),
    "outside.start": Said("Share that begins outside", "一开始就在体系外的比例"),
    "outside.pull": Said("Moves outside after a ban", "被封禁后转到体系外的概率"),
    "outside.last_resort": Said("Moves outside when all doors are shut", "处处被拒后转到体系外的概率"),
    "outside.harm": Said("Harm of a day outside", "在体系外每日的危害"),
    "detectors.shared_misses": Said("Detectors share blind spots", "各家检测器漏判的相似程度"),
    "detectors.shared_errors": Said("A second error likelier by", "同一人再次被误判的倍数"),
    "review.confirms": Said("Reviews that confirm a true alarm", "真实警示经研判确认的比例"),
    "review.clears": Said("Reviews that clear the innocent", "无辜者经研判澄清的比例"),
    "review.days.median": Said("Days that a review takes", "一次研判所需天数"),
    "review.days.sigma": Said("Spread of these days", "上述天数的离散程度"),
    "poison.rate": Said("People falsely accused a day", "每日被虚假警示指认的人数"),
}
WHOSE: Mapping[str, Said] = {
    "providers": Said("{what} · side {side}, size {size}", "{what} · {side} 方，规模 {size}"),
    "campaigns": Said("{what} · {kind} campaigns", "{what} · {kind} 类系列活动"),
}
_PLACE = re.compile(r"(?P<list>providers|campaigns)\[(?P<i>\d+)\]\.(?P<field>.+)")


def policy_words(policy: Policy) -> Said:
    """Say what providers do under a policy."""
    usual = "none" if policy.share == "none" else f"{policy.share}-{policy.act}"
    said = fill(POLICIES[usual], {"need": policy.need})
    return said if policy.alone else fill(POLICIES["together"], {"policy": said})


def range_words(path: str, scenario: Scenario) -> Said:
    """Say what a range of the scenario file is about."""
    found = _PLACE.fullmatch(path)
    if found is None:
        return RANGES[path]
    field, _, key = found["field"].partition(".")
    what = RANGES[found["field"]] if found["field"] in RANGES else fill(RANGES[field], {"key": key})
    if found["list"] == "campaigns":
        return fill(WHOSE["campaigns"], {"what": what, "kind": scenario.campaigns[int(found["i"])].kind})
    owner = scenario.providers[int(found["i"])]
    size = f"{owner.size.low:g}" if not owner.size.open else f"{owner.size.low:g}–{owner.size.high:g}"
    return fill(WHOSE["providers"], {"what": what, "side": owner.side, "size": size})
