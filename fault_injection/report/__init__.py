"""Show a day of faults to people: as a page, as lines in a terminal, and live while it runs.

All of it is computed from the history, its judgement and the schedule, so it can be made again.
"""

from fault_injection.report.folder import render_folder
from fault_injection.report.page import render
from fault_injection.report.summing_up import compared, summary
from fault_injection.report.telling import told

__all__ = ["compared", "render", "render_folder", "summary", "told"]
