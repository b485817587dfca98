"""Reports: what was screened, what was found, and what that cannot show."""

from tocsin.report.files import chart_files, write_charts
from tocsin.report.page import render_report
from tocsin.report.view import ReportInput, RuleView, StandardView

__all__ = ["ReportInput", "RuleView", "StandardView", "chart_files", "render_report", "write_charts"]
