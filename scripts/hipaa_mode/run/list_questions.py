"""The lists of suppressed users, copied into the restricted zone: a run goes by one list.

First they are compared with those of the last run. Only the names of relations and lists are in
the SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hipaa_mode.errors import HipaaModeError
from hipaa_mode.functions import SCHEMA, normalizing
from hipaa_mode.quoting import identifier, literal
from hipaa_mode.run.readers import SUPPRESSED_USERS_VIEW
from hipaa_mode.run.state import Run
from hipaa_mode.suppression import ListCounts

LISTED_NOW = "hipaa_mode_listed_now"


class ListQuestions(Run):
    """What the first hook of a run asks of the lists."""

    def pin_suppressed_users(self, placeholder_ids: Sequence[str]) -> list[str]:
        """Return why the lists may not be used; where they may, copy them.

        Args:
            placeholder_ids: what stands for an id that is not there.
        """
        normalizations = self._started_plan().person_normalizations
        with self.engine.cursor() as cursor:
            counts = self._read_lists(cursor, placeholder_ids)
            own = literal(self._place[1])
            people = self._table("listed_people")
            before = f"select user_id, location from {people} where environment = {own}"
            cursor.execute(
                "select coalesce(before.location, now.location) as location, "
                "count(distinct now.user_id), count(distinct before.user_id), "
                "count(distinct before.user_id) "
                f"filter (where {_is_on_no_list('before.user_id', normalizations)}) "
                f"from ({before}) as before full join {LISTED_NOW} as now "
                "on before.location = now.location and before.user_id = now.user_id group by 1"
            )
            for location, *found in cursor.fetchall():
                if location:
                    counts.setdefault(location, {}).update(zip(("now", "before", "lost"), found))
            lists = {location: ListCounts(**counted) for location, counted in counts.items()}
            if faults := self._state.judge_lists(lists):
                return [str(fault) for fault in faults]
            statements = [
                f"insert into {self._table('released_people')} "
                f"select distinct {self._run_number}, user_id from ({before}) as before "
                f"where {_is_on_no_list('user_id', normalizations)}",
                f"delete from {people} where environment = {own}",
                f"insert into {people} select {own}, user_id, location from {LISTED_NOW}",
                self.engine.replaced_table(
                    self._table("suppressed_users"), f"select distinct user_id from {LISTED_NOW}"
                ),
            ]
            for statement in self.engine.together(statements):
                cursor.execute(statement)
        return []

    def _read_lists(
        self, cursor: Any, placeholder_ids: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """Put all that the lists have in one table; return what was counted of each."""
        lists = self.suppressed_users
        self.engine.list_people(cursor, SUPPRESSED_USERS_VIEW, lists)
        tables = {name: self._named_table(cursor, parts) for name, parts in lists.tables.items()}
        own = literal(self._place[1])
        user_id = f"{SCHEMA}.trimmed(cast(user_id as {self.engine.text_type}))"
        listed = [f"select distinct user_id, location from {SUPPRESSED_USERS_VIEW}"] + [
            f"select {user_id}, {literal(name)} from {table} "
            f"where {user_id} <> '' and {of} in ('*', {own})"
            for name, (table, of) in tables.items()
        ]
        cursor.execute(self.engine.temporary_table(LISTED_NOW, " union ".join(listed)))
        counts: dict[str, dict[str, Any]] = {name: {"is_named": True} for name in lists.locations}
        environments = ", ".join(map(literal, ("*", *lists.environments)))
        placeholders = self.engine.texts(placeholder_ids)
        for name, (table, of) in tables.items():
            cursor.execute(
                f"select count(*), count(*) filter (where coalesce({user_id}, '') = ''), "
                f"count(*) filter (where {of} not in ({environments})), "
                f"count(*) filter (where {user_id} <> '' "
                f"and {SCHEMA}.is_no_id({user_id}, {placeholders})) "
                f"from {table}"
            )
            [found] = cursor.fetchall()
            counts[name].update(zip(("rows", "blank", "unknown", "placeholders"), found))
        return counts

    def _named_table(self, cursor: Any, parts: Sequence[str]) -> tuple[str, str]:
        """Return a table's name in SQL, and the environment of each of its rows.

        Checked first: what the engine says of a table that does not fit could quote a row of it.
        """
        cursor.execute(self.engine.columns(parts))
        rows = cursor.fetchall()
        if ("user_id",) not in rows:
            raise HipaaModeError(
                f"{'.'.join(parts)}, which lists suppressed users, is not there or has no column "
                "`user_id`. Nothing was built. Correct HIPAA_MODE_SUPPRESSED_USERS, or attach its "
                "database in profiles.yml"
            )
        of_row = f"coalesce(nullif(trim(cast(environment as {self.engine.text_type})), ''), '*')"
        return identifier(*parts), of_row if ("environment",) in rows else "'*'"


def _is_on_no_list(user_id: str, normalizations: Sequence[str]) -> str:
    """Return a condition: somebody is on no list of this run, in any spelling."""
    return " and ".join(
        f"coalesce({spelling} not in "
        f"(select {listed} from {LISTED_NOW} where {listed} is not null), true)"
        for spelling in _spellings(user_id, normalizations)
        for listed in _spellings("user_id", normalizations)
    )


def _spellings(user_id: str, normalizations: Sequence[str]) -> list[str]:
    normalized = [f"nullif({SCHEMA}.{normalizing(one)}({user_id}), '')" for one in normalizations]
    return [f"{SCHEMA}.trimmed({user_id})", *normalized]
