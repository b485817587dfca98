"""Build the sample from its parts."""

from collections.abc import Callable, Collection

from tocsin.forms.errors import ConfigError
from tocsin.traffic.sample.campaigns import CAMPAIGNS, read_plots, write_campaign
from tocsin.traffic.sample.everyday import write_alarming, write_everyday
from tocsin.traffic.sample.model import Event, Planted, Sample
from tocsin.traffic.sample.scribe import Scribe, load_banks
from tocsin.traffic.sample.sharing import write_sharing

_ORDINARY: dict[str, Callable[[Scribe], None]] = {
    "everyday": write_everyday,
    "alarming": write_alarming,
    "sharing": write_sharing,
}


def build_sample(seed: int = 1, without: Collection[str] = ()) -> Sample:
    """Build three weeks of traffic with six planted campaigns, less those named in `without`.

    The same seed gives the same bytes. Another seed changes accounts, words, times and sizes. Leaving a campaign out
    changes nothing about the other events. Raises `ConfigError` for a name that is no campaign.
    """
    if unknown := sorted(set(without) - set(CAMPAIGNS)):
        raise ConfigError(
            f"no campaign is named {unknown[0]!r}; the sample has {', '.join(CAMPAIGNS)}", hint="name one of these"
        )
    banks, plots = load_banks(), read_plots()
    events: list[Event] = []
    planted: list[Planted] = []
    for part, write in _ORDINARY.items():
        scribe = Scribe(seed, part, banks)
        write(scribe)
        events += scribe.events
    for name in CAMPAIGNS:
        if name not in without:
            scribe = Scribe(seed, name, banks)
            planted.append(write_campaign(scribe, name, plots[name]))
            events += scribe.events
    events.sort(key=lambda event: (event["time"], event["id"]))
    return Sample(tuple(events), tuple(planted))
