"""What effects, reasons and states are called in both languages."""

from collections.abc import Mapping

from tocsin.cases.decisions import Effect, Reason, State
from tocsin.standard import Bilingual

EFFECTS: Mapping[Effect, Bilingual] = {
    Effect.DISMISS: Bilingual(en="Dismiss", zh="不予处置"),
    Effect.MONITOR: Bilingual(en="Monitor", zh="持续关注"),
    Effect.WARN: Bilingual(en="Warn", zh="警告"),
    Effect.LIMIT: Bilingual(en="Limit", zh="限制使用"),
    Effect.BAN: Bilingual(en="Ban", zh="封禁"),
    Effect.REFER: Bilingual(en="Refer", zh="移送"),
    Effect.REPORT: Bilingual(en="Statutory report", zh="依法报告"),
}
NO_EFFECT = Bilingual(en="None", zh="无")
REASONS: Mapping[Reason, Bilingual] = {
    Reason.CONFIRMED: Bilingual(en="The findings are right", zh="检出情况属实"),
    Reason.REPEATED: Bilingual(en="It happened again after an earlier decision", zh="此前已作处置，再次发生"),
    Reason.COORDINATED: Bilingual(en="The account is part of a campaign", zh="账号属于系列滥用活动"),
    Reason.LEGAL_DUTY: Bilingual(en="The law demands it", zh="依法必须处置"),
    Reason.BENIGN: Bilingual(en="The use is legitimate", zh="用途正当"),
    Reason.UNFOUNDED: Bilingual(en="The findings are wrong", zh="检出有误"),
    Reason.TOO_LITTLE: Bilingual(en="The evidence is not enough", zh="证据不足"),
    Reason.APPEAL_UPHELD: Bilingual(en="The appeal is right", zh="申诉成立"),
    Reason.APPEAL_REJECTED: Bilingual(en="The appeal is not right", zh="申诉不成立"),
    Reason.MISTAKE: Bilingual(en="The decision was a mistake", zh="原决定有误"),
}
STATES: Mapping[State, Bilingual] = {
    State.OPEN: Bilingual(en="open", zh="待研判"),
    State.PROPOSED: Bilingual(en="waits for a second person", zh="待第二人复核"),
    State.APPEALED: Bilingual(en="appealed", zh="申诉待复核"),
    State.DECIDED: Bilingual(en="decided", zh="已决定"),
}
