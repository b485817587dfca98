"""Every sentence of the report, in both languages."""

from collections.abc import Mapping

from tocsin.charts.words import Said

WORDS: Mapping[str, Said] = {
    "title": Said("Screening report", "筛查报告"),
    # the opening
    "lead_none_read": Said(
        "No events were read, so there is nothing to report.",
        "没有读到任何消息记录，因此没有可报告的内容。",
    ),
    "lead_nothing": Said(
        "Nothing was found in {n} screened events. That is no proof that nothing happened.",
        "筛查了 {n} 条消息记录，没有检出项。但这并不等于没有发生滥用。",
        "Nothing was found in the one screened event. That is no proof that nothing happened.",
    ),
    "lead_no_cases": Said(
        "{n} findings in {rows} screened events, none of which adds up to a case.",
        "筛查了 {rows} 条消息记录，有 {n} 条检出项，但不足以构成个案。",
        "One finding in {rows} screened events; it does not add up to a case.",
    ),
    "lead_cases": Said(
        "{n} cases deserve a look among {rows} screened events.",
        "筛查了 {rows} 条消息记录，有 {n} 个个案值得查看。",
        "One case deserves a look among {rows} screened events.",
    ),
    "lead_campaigns": Said(
        "{n} campaigns in {rows} screened events.",
        "{rows} 条消息记录中发现 {n} 起系列滥用活动。",
        "One campaign in {rows} screened events.",
    ),
    "lead_worst": Said(
        "The case ranked first concerns {kind}; it is of severity {severity} out of 5.",
        "排在首位的个案涉及“{kind}”，严重程度为 {severity}（最高 5）。",
    ),
    "sources_many": Said("{n} sources", "{n} 个来源", "1 source"),
    "figures": Said("Headline figures", "主要数字"),
    "events": Said("events screened", "已筛查消息记录", "event screened"),
    "findings": Said("findings", "检出项", "finding"),
    "cases": Said("cases", "个案", "case"),
    "campaigns": Said("campaigns", "系列滥用活动", "campaign"),
    "rejected": Said("rows rejected", "被拒记录", "row rejected"),
    # the way through the page
    "campaigns_nav": Said("Campaigns", "系列滥用活动"),
    "cases_nav": Said("Cases", "个案"),
    "time_nav": Said("Over time", "时间分布"),
    "rules_nav": Said("Rules", "规则"),
    "kinds_nav": Said("Kinds", "类别"),
    "rejects_nav": Said("Rejected", "被拒记录"),
    "limits_nav": Said("Limits", "局限"),
    # sections
    "campaigns_head": Said("Campaigns", "系列滥用活动"),
    "campaigns_about": Said(
        "Cases linked by what their accounts share. Links are hints: people may share a device or network innocently.",
        "账号之间有共同特征的个案归为一起。关联只是提示：不同的人也可能正常地共用设备或网络。",
    ),
    "campaigns_none": Said("No cases were linked into a campaign.", "没有个案关联成系列滥用活动。"),
    "campaigns_more": Said(
        "{n} more campaigns are not shown here; cases.parquet holds them all.",
        "另有 {n} 起系列滥用活动未在此列出，全部内容见 cases.parquet。",
        "One more campaign is not shown here; cases.parquet holds it.",
    ),
    "cases_head": Said("Cases by rank", "个案排名"),
    "cases_about": Said(
        "The first cases with their strongest findings, at most three of each campaign. The marked words made a rule "
        "speak; the rest is their context.",
        "列出排名靠前的个案及其最强的检出项，每起系列滥用活动至多三个。标亮的文字触发了规则，其余为上下文。",
    ),
    "cases_none": Said("No cases.", "没有个案。"),
    "cases_open": Said("Show the next {n} cases", "展开其后 {n} 个个案", "Show the next case"),
    "cases_more": Said(
        "{n} more cases are not shown here; cases.parquet holds them all.",
        "另有 {n} 个个案未在此列出，全部内容见 cases.parquet。",
        "One more case is not shown here; cases.parquet holds it.",
    ),
    "time_head": Said("Kinds over time", "各类别随时间的变化"),
    "time_about": Said("Findings per {step}, times in UTC.", "每{step}的检出项数量，时间为 UTC。"),
    "time_none": Said("No findings to draw.", "没有可绘制的检出项。"),
    "step_hour": Said("hour", "小时"),
    "step_6_hours": Said("six hours", " 6 小时"),
    "step_day": Said("day", "天"),
    "step_week": Said("week", "周"),
    "step_4_weeks": Said("four weeks", "四周"),
    "step_year": Said("year of 52 weeks", " 52 周"),
    "step_years": Said("{years} years", " {years} 年"),
    "other_kinds": Said("Other kinds", "其他类别"),
    "rules_head": Said("What spoke most", "最常触发的规则"),
    "rules_about": Said(
        "A rule that speaks very often may be too broad for this traffic; look at it first when tuning.",
        "触发过于频繁的规则可能不适合这批流量，调整时宜先查看。",
    ),
    "rules_none": Said("No rule spoke.", "没有规则触发。"),
    "rules_more": Said("{n} more are not shown.", "另有 {n} 项未列出。", "One more is not shown."),
    "kinds_head": Said("Findings by kind and severity", "按类别与严重程度统计检出项"),
    "kinds_about": Said("Severity runs from 1, a hint, to 5.", "严重程度从 1（仅为提示）到 5。"),
    "kinds_none": Said("No findings.", "没有检出项。"),
    "kinds_more": Said("{n} more kinds are not shown.", "另有 {n} 个类别未列出。", "One more kind is not shown."),
    "rejects_head": Said("Rows rejected", "被拒记录"),
    "rejects_about": Said(
        "Rows that could not become an event. rejects.jsonl says where each of them stands.",
        "无法作为消息记录读取的行，具体位置见 rejects.jsonl。",
    ),
    "rejects_none": Said("Every row could be read.", "所有记录均已读取。"),
    "rejects_more": Said("{n} more reasons are not shown.", "另有 {n} 种原因未列出。", "One more reason is not shown."),
    "limits_head": Said("What this report cannot show", "本报告的局限"),
    "limit_intent": Said(
        "Intent. Rules see wording and behaviour. Those who study, report or guard against misuse use the same words; "
        "a person has to decide.",
        "意图。规则只看措辞与行为，研究、举报或防范滥用的人也会用同样的字句，因此须由人来判断。",
    ),
    "limit_unseen": Said(
        "Misuse that no rule describes, and events that were never logged. An empty page is not proof of absence.",
        "规则未描述的滥用，以及未写入日志的消息记录。页面空白不等于没有滥用。",
    ),
    "limit_who": Said(
        "Who is behind an account. Shared devices, networks or templates tie accounts together; "
        "they name no person, group or state.",
        "账号背后是谁。共用设备、网络或文本模板只能说明账号之间有关联，不指向任何个人、团体或国家。",
    ),
    # cards
    "campaign_why": Said(
        "{n} accounts share {shared}; {findings} findings, above all {names}.",
        "{n} 个账号共用{shared}；共有 {findings} 条检出项，主要是{names}。",
    ),
    "campaign_why_alone": Said(
        "{n} accounts; {findings} findings, above all {names}.",
        "{n} 个账号；共有 {findings} 条检出项，主要是{names}。",
    ),
    "shared_template": Said("a text template", "文本模板"),
    "shared_device": Said("a device", "设备"),
    "shared_payment": Said("a means of payment", "支付方式"),
    "shared_client": Said("a client", "客户端"),
    "shared_network": Said("a network", "网络"),
    "campaign_name": Said("Campaign {n}", "系列滥用活动 {n}"),
    "severity": Said("Severity {n} of 5", "严重程度 {n}（最高 5）"),
    "severity_short": Said("Severity", "严重程度"),
    "accounts": Said("Accounts", "账号"),
    "accounts_many": Said("{n} accounts", "{n} 个账号", "1 account"),
    "cases_many": Said("{n} cases", "{n} 个个案", "1 case"),
    "findings_many": Said("{n} findings", "{n} 条检出项", "1 finding"),
    "and_more": Said("and {n} more", "等，另有 {n} 个"),
    "time": Said("Time", "时间"),
    "shared": Said("Shared", "共同特征"),
    "shared_by": Said("{n} accounts", "{n} 个账号", "1 account"),
    "accounts_list": Said("Accounts and cases", "账号与个案"),
    "in_campaign": Said("in campaign {n}", "属于系列滥用活动 {n}"),
    "in_a_campaign": Said("in a campaign", "属于某起系列滥用活动"),
    "network_drawn": Said("Accounts of campaign {n} and what they share", "系列滥用活动 {n} 的账号及其共同特征"),
    "network_part": Said("{drawn} of {n} accounts are drawn.", "图中画出 {n} 个账号中的 {drawn} 个。"),
    "network_none": Said(
        "Nothing to draw: these cases name no shared link.", "无可绘制内容：这些个案没有注明共同特征。"
    ),
    "evidence": Said("Strongest findings", "最强的检出项"),
    "no_evidence": Said("no excerpt kept", "未保留摘录"),
    "no_account": Said("no account named", "未注明账号"),
    "more_findings": Said("{n} more findings in this case", "该个案另有 {n} 条检出项", "One more finding in this case"),
    # columns
    "rule": Said("Rule or detector", "规则或检测器"),
    "kind": Said("Kind", "类别"),
    "count": Said("Findings", "检出项"),
    "total": Said("Total", "合计"),
    "reason": Said("Reason", "原因"),
    "rows_col": Said("Rows", "行数"),
    "share": Said("Share of the highest count", "相对最高值的比例"),
    # measures
    "m_device": Said("device", "设备"),
    "m_client": Said("client", "客户端"),
    "m_network": Said("network", "网络"),
    "m_payment": Said("payment", "支付方式"),
    "m_template": Said("template", "文本模板"),
    # foot and files
    "standard": Said("Misuse standard {version}", "滥用分类标准 {version}"),
    "foot": Said(
        "Written by Tocsin on the machine that ran it. This file loads nothing and sends nothing.",
        "由警钟在本机生成。本文件不加载也不发送任何内容。",
    ),
    "png_english": Said(
        "No font with Chinese characters was found, so the Chinese PNG charts carry English labels.",
        "系统中没有找到中文字体，因此中文版 PNG 图表使用英文标注。",
    ),
}
