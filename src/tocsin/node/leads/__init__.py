"""Leads from others' indicators: hints about accounts, networks, clients and texts, never a verdict."""

from tocsin.node.leads.book import LeadBook, Sighting
from tocsin.node.leads.lead import FORMS, Lead, Named, Read
from tocsin.node.leads.reading import read_indicators

__all__ = ["FORMS", "Lead", "LeadBook", "Named", "Read", "Sighting", "read_indicators"]
