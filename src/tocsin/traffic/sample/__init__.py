"""A sample of AI traffic that the project wrote itself: mostly ordinary use, six planted campaigns, nothing usable."""

from tocsin.traffic.sample.build import build_sample
from tocsin.traffic.sample.campaigns import CAMPAIGNS
from tocsin.traffic.sample.model import Bilingual, Event, Planted, Sample

__all__ = ["CAMPAIGNS", "Bilingual", "Event", "Planted", "Sample", "build_sample"]
