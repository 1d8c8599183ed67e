"""All that macros may ask, in one object; see `door` for who may ask what."""

from __future__ import annotations

from hipaa_mode.run.build_questions import BuildQuestions
from hipaa_mode.run.end_questions import EndQuestions
from hipaa_mode.run.list_questions import ListQuestions
from hipaa_mode.run.start_questions import StartQuestions


class Session(StartQuestions, ListQuestions, BuildQuestions, EndQuestions):
    """What one dbt run knows, and answers of it; the connections of a database have it too."""
