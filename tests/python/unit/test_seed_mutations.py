"""No single mutation of sound seeds lets more leave in silence.

Every cell, row, header and file of the seeds is changed as a slip of the hand or a lost file would
do it. What may leave then is worked out by leaving.py, which knows nothing of hipaa_mode; where
that is more than before, the start of a build must refuse it. Each kind of slip is made in one
cell of each column; HIPAA_MODE_EXAMPLES says in how many, 1000 being all.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import leaving
import pytest
from mutations import Mutation, made, of_cells, of_files, of_headers, of_rows
from project import REPOSITORY

from hipaa_mode.errors import HipaaModeError
from hipaa_mode.project import destination_models, read_seeds
from hipaa_mode.received.description import Description, describe
from hipaa_mode.received.lock_file import LOCK_FILE
from hipaa_mode.run import start_questions
from hipaa_mode.run.session import Session
from hipaa_mode.seeds import SEED_COLUMNS

TODAY = dt.date(2026, 3, 10)
ENVIRONMENTS = ("dev", "prod")
EXAMPLES = int(os.environ.get("HIPAA_MODE_EXAMPLES", "1"))
MODELS = [
    f"{name}__{view}"
    for name in ("ga4", "ads", "crm", "chat")
    for view in ("events", "identifies", "groups", "groups_latest")
]

RICH = {
    "destination_types": """\
destination_type,display_name,supports_server_side,supports_client_side,required_properties,integration_names
analytics,Analytics,true,true,plan;form_id,Analytics;GA
crm,CRM,true,false,,
chat,Chat,false,true,,
""",
    "destinations": """\
environment,destination,destination_type,connection_mode,restrict_phi,baa_reference,baa_expires_on,mask_scope,timestamp_precision,consent_categories,consent_strategy,honor_opt_outs,description
dev,ga4,analytics,server_side,true,,,destination,day,ads;stats,,,Web
prod,ga4,analytics,server_side,,,,destination,month,ads;stats,or,true,Web
*,ads,analytics,server_side,,,,,,,,false,Ads
prod,ads,analytics,server_side,true,,,destination,none,ads,and,,Ads
dev,crm,crm,server_side,true,,,*,hour,,,,Care
prod,crm,crm,server_side,false,BAA-1,2031-01-31,*,exact,stats,,,Care
dev,chat,chat,client_side,false,BAA-2,2031-01-31,,exact,,,,Chat
""",
    "allowed_events": """\
environment,destination,event,sent_as
*,*,Signed In,
*,ga4,Booked,booking
prod,ga4,Booked,conversion
*,ga4,Cancelled,booking
dev,ads,*,
prod,ads,Booked,lead
dev,crm,Paid,
""",
    "allowed_properties": """\
environment,destination,property_list,event,property,treatment,normalize,data_type,guard,column_name,reason,approved_by,expires_on,mask_scope
*,*,event,,plan,allow,,,,,Five tiers,p@clinic.example,,
prod,*,event,,plan,truncate(2),,,,,Five tiers,p@clinic.example,,
*,ads,event,,plan,deny,,,,,No use for it,p@clinic.example,,
*,*,context,,locale,allow,,,,,Language,p@clinic.example,,
*,ga4,event,,form_id,allow,,,,,Which form,p@clinic.example,,
prod,ga4,event,,form_id,deny,,,,,Under review,p@clinic.example,,
*,ga4,event,Booked,url,url_path,,,,,Page,p@clinic.example,,
*,ga4,event,Cancelled,url,url_path,,,,,Page,p@clinic.example,,
*,ga4,event,,email,mask,email,,,email_token,Counts people,p@clinic.example,,property
*,ga4,event,,code,surrogate,,,,,Random,p@clinic.example,,destination
*,ga4,event,,note,allow,,,warn,,Ours,p@clinic.example,,
*,ga4,event,,count,allow,,integer,,,A count,p@clinic.example,,
dev,ga4,event,,trial,allow,,,none,,For a while,p@clinic.example,2027-06-30,
*,ga4,envelope,,user_id,deny,,,,,Not wanted,p@clinic.example,,
*,ga4,context,Booked,page.title,allow,,,,,Title,p@clinic.example,,
*,ga4,user,,birth_date,birth_year,,,,,Year,p@clinic.example,,
*,ga4,user,,address.zip,zip3,,,,zip3,Area,p@clinic.example,,
*,ga4,group,,size,round(100),,,,,Size,p@clinic.example,,
*,ads,event,,items[].sku,allow,,,,skus,Products,p@clinic.example,,
*,ads,event,,form,allow,,json,none,,Ours,p@clinic.example,,
*,ads,envelope,,anonymous_id,allow,,,,,A cookie,p@clinic.example,,
prod,ads,envelope,,anonymous_id,mask,,,,,A cookie,p@clinic.example,,
dev,crm,user,,tier,allow,,,,,Tier,p@clinic.example,,
""",
    "small_zip3_areas": "census_year,zip3\n2020,036\n2020,059\n2020,102\n",
    "environments": "environment,retain_days\n*,400\nprod,90\n",
    "suppressed_users": """\
environment,user_id,requested_on,reference
*,u-1,2026-01-02,R1
prod,u-2,2026-01-03,R2
dev,u-3,2026-02-03,R3
""",
}  # fmt: skip


@dataclass
class Sound:
    """A sound project, and what was agreed to of it.

    Attributes:
        seeds: its folder of seeds.
        models: its destination views.
        lock: what was agreed to.
        rows: its seeds as leaving.py reads them.
    """

    seeds: Path
    models: Collection[str]
    lock: Description
    rows: leaving.Rows

    @classmethod
    def of(cls, seeds: Path, models: Collection[str], day: dt.date = TODAY) -> Sound:
        configuration = read_seeds(seeds.parent)
        lock = describe(configuration, ENVIRONMENTS, day, models)
        return cls(seeds, models, lock, leaving.read(seeds))


@dataclass(frozen=True)
class Outcome:
    """What the start of a build said, and what may leave if it goes on.

    Attributes:
        said: `fault`, `refused` by the lock, or `goes on`.
        line: its first line; blank where it goes on.
        more: what may leave that could not before.
    """

    said: str
    line: str
    more: list[str]


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """Seeds that use every column, with rows for `*` beside named ones."""
    seeds = tmp_path_factory.mktemp("rich") / "seeds"
    seeds.mkdir()
    for seed, text in RICH.items():
        (seeds / f"{seed}.csv").write_text(text)
    return Sound.of(seeds, MODELS)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """The seeds of the demo, with somebody suppressed and a time for which calls are kept."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(REPOSITORY / "seeds", folder / "seeds")
    with (folder / "seeds/suppressed_users.csv").open("a") as file:
        file.write("*,user-1,2026-01-02,R1\nprod,user-2,2026-01-02,R2\n")
    with (folder / "seeds/environments.csv").open("a") as file:
        file.write("prod,400\n")
    return Sound.of(folder / "seeds", destination_models(REPOSITORY))


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Start a build, with the lock of a sound project; return its faults."""

    def start(sound: Sound, seeds: Path, environment: str, today: dt.date = TODAY) -> list[str]:
        # The file itself takes long to read.
        monkeypatch.setattr(start_questions, "read_lock", lambda project: sound.lock)
        files = dict(_found_by_dbt(seeds))
        request = {
            "environment": environment,
            "today": today.isoformat(),
            "seed_files": {seed: str(path) for seed, path in files.items()},
            "seed_labels": {
                seed: str(path.relative_to(seeds.parent)) for seed, path in files.items()
            },
            "models": list(sound.models),
            "needs_key": False,
            "needs_lock": True,
        }
        try:
            return Session({}).start(**request).faults
        except HipaaModeError as error:
            return [str(error)]

    return start


def _found_by_dbt(seeds: Path) -> Iterator[tuple[str, Path]]:
    """Yield the seeds that dbt finds: by name, wherever they lie, links followed."""
    for folder, _, names in os.walk(seeds, followlinks=True):
        for name in names:
            path = Path(folder, name)
            if path.suffix == ".csv" and path.stem in SEED_COLUMNS and path.exists():
                yield path.stem, path


@pytest.fixture
def outcomes(
    begin: Callable[..., list[str]], tmp_path: Path
) -> Callable[[Sound, Iterable[Mutation]], Iterator[tuple[Mutation, str, Outcome]]]:
    """Give the outcome of each mutation in each environment."""

    def look(
        sound: Sound, mutations: Iterable[Mutation]
    ) -> Iterator[tuple[Mutation, str, Outcome]]:
        for mutation in mutations:
            seeds = made(mutation, sound.seeds, tmp_path / "mutated")
            for environment in ENVIRONMENTS:
                faults = begin(sound, seeds, environment)
                by_lock = [fault for fault in faults if fault.startswith(LOCK_FILE)]
                said = "goes on" if not faults else "refused" if by_lock == faults else "fault"
                more = _more(sound, seeds, environment) if said != "fault" else []
                yield mutation, environment, Outcome(said, "".join(faults[:1]), more)

    return look


def _more(sound: Sound, seeds: Path, environment: str) -> list[str]:
    try:
        return leaving.more_leaves(sound.rows, leaving.read(seeds), environment, TODAY)
    except leaving.UnsoundError:
        return ["nobody can tell what"]


Outcomes = Callable[[Sound, Iterable[Mutation]], Iterator[tuple[Mutation, str, Outcome]]]


def widens_in_silence(
    found: Iterable[tuple[Mutation, str, Outcome]],
) -> tuple[list[str], Counter[str]]:
    """Return the mutations that let more leave and go on, and how many had which outcome."""
    counts: Counter[str] = Counter()
    silent: list[str] = []
    for mutation, environment, outcome in found:
        counts[outcome.said] += 1
        counts["more leaves"] += bool(outcome.more)
        if outcome.more and outcome.said == "goes on":
            silent.append(f"{environment}: {mutation.name}: {outcome.more[0]}")
    return silent, counts


def some_of(mutations: Iterable[Mutation], count: int) -> list[Mutation]:
    """Choose as many of each kind in each file and column, not always of the same rows."""
    by_kind: dict[tuple[str, str, str], list[Mutation]] = {}
    for mutation in mutations:
        by_kind.setdefault((mutation.file, mutation.column, mutation.kind), []).append(mutation)
    return [
        mutation
        for alike in by_kind.values()
        for mutation in sorted(alike, key=lambda item: zlib.crc32(item.name.encode()))[:count]
    ]


class TestSeedsThatUseEverything:
    @pytest.mark.parametrize("of", [of_rows, of_headers, of_files])
    def test_rows_headers_and_files(
        self, rich: Sound, outcomes: Outcomes, of: Callable[[Path], Iterator[Mutation]]
    ) -> None:
        silent, counts = widens_in_silence(outcomes(rich, of(rich.seeds)))
        assert silent == []
        assert counts["fault"] > 50
        assert counts["goes on"] > 0

    def test_cells(self, rich: Sound, outcomes: Outcomes) -> None:
        mutations = some_of(of_cells(rich.seeds), EXAMPLES)
        silent, counts = widens_in_silence(outcomes(rich, mutations))
        assert silent == []
        assert min(counts[said] for said in ("fault", "refused", "goes on", "more leaves")) > 50

    def test_rows_that_are_taken_away_and_let_less_through_go_on(
        self, rich: Sound, outcomes: Outcomes
    ) -> None:
        deleted = [item for item in of_rows(rich.seeds) if item.kind == "row deleted"]
        refused = [
            f"{environment}: {mutation.name}: {outcome.line}"
            for mutation, environment, outcome in outcomes(rich, deleted)
            if outcome.said == "refused" and not outcome.more and "sent as" not in outcome.line
        ]
        assert refused == []


class TestSeedsOfTheDemo:
    def test_some_of_each_kind(self, demo: Sound, outcomes: Outcomes) -> None:
        seeds = demo.seeds
        mutations = [
            *some_of(of_rows(seeds), 4 * EXAMPLES),
            *some_of(of_headers(seeds), EXAMPLES),
            *some_of(of_files(seeds), 4 * EXAMPLES),
            *some_of(of_cells(seeds), EXAMPLES // 2),
        ]
        silent, counts = widens_in_silence(outcomes(demo, mutations))
        assert silent == []
        assert min(counts[said] for said in ("fault", "refused", "goes on", "more leaves")) > 10


class TestTheClockAndTheEnvironment:
    """Of the seeds that use everything: `trial` ends on 2027-06-30, the agreements in 2031."""

    def test_what_ends_goes_on_without_it(
        self, rich: Sound, begin: Callable[..., list[str]]
    ) -> None:
        assert begin(rich, rich.seeds, "dev", dt.date(2027, 6, 30)) == []
        assert begin(rich, rich.seeds, "dev", dt.date(2027, 7, 1)) == []

    def test_a_clock_set_back_brings_nothing_back(
        self, rich: Sound, begin: Callable[..., list[str]]
    ) -> None:
        later = Sound.of(rich.seeds, rich.models, dt.date(2027, 7, 1))
        assert begin(later, rich.seeds, "dev", dt.date(2027, 7, 1)) == []
        [fault] = begin(later, rich.seeds, "dev", dt.date(2027, 6, 30))
        assert "column ga4__events.trial" in fault
        assert "not sent -> allow" in fault

    def test_an_agreement_that_ended_stops_the_build(
        self, rich: Sound, begin: Callable[..., list[str]]
    ) -> None:
        assert begin(rich, rich.seeds, "prod", dt.date(2031, 1, 31)) == []
        assert "BAA" in begin(rich, rich.seeds, "prod", dt.date(2031, 2, 1))[0]

    @pytest.mark.parametrize("environment", ["prd", "PROD", "prod ", "Dev", "test", "*", ""])
    def test_an_environment_that_was_not_agreed_to_is_refused(
        self, rich: Sound, begin: Callable[..., list[str]], environment: str
    ) -> None:
        assert begin(rich, rich.seeds, environment) != []


class TestTheSecondOpinion:
    """leaving.py itself: what it must see, and what it must not take for more."""

    def changed(
        self, rich: Sound, folder: Path, seed: str, before: str, after: str, environment: str
    ) -> list[str]:
        shutil.copytree(rich.seeds, folder / "seeds")
        path = folder / f"seeds/{seed}.csv"
        text = path.read_text()
        assert text.count(before) == 1
        path.write_text(text.replace(before, after))
        return _more(rich, folder / "seeds", environment)

    @pytest.mark.parametrize(
        ("seed", "before", "after", "environment", "what"),
        [
            ("allowed_properties", "prod,ga4,event,,form_id,deny", "dev,ga4,event,,x,deny", "prod",
             "form_id"),
            ("allowed_properties", "url,url_path,,,,,Page,p@clinic.example,,\n*,ga4,event,Canc",
             "url,url_path,,,none,,Page,p@clinic.example,,\n*,ga4,event,Canc", "dev",
             "looks like an identifier"),
            ("allowed_properties", ",2027-06-30"[1:], "", "dev", "2027-07-01"),
            ("allowed_properties", "count,allow,,integer", "count,allow,,", "dev", "count"),
            ("allowed_properties", "*,ga4,context,Booked", "*,ga4,context,", "prod", "page.title"),
            ("allowed_events", "prod,ads,Booked,lead", "prod,ads,Booked,", "prod", "named Booked"),
            ("allowed_events", "*,ga4,Cancelled,booking", "*,ga4,Cancelled,x", "dev",
             "told apart"),
            ("destinations", ",destination,none,", ",,none,", "prod", "the same elsewhere"),
            ("destinations", ",destination,none,", ",destination,year,", "prod", "time year"),
            ("destinations", "server_side,false,BAA-1,2031-01-31", "server_side,false,BAA-1,",
             "prod", "2031-02-01"),
            ("destinations", "dev,crm,crm,server_side,true,", "dev,crm,crm,server_side,false,B",
             "dev", "everything"),
            ("destinations", "day,ads;stats,", "day,ads,", "dev", "consent to ads"),
            ("destinations", "ads;stats,or,true", "ads;stats,or,false", "prod", "GA no"),
            ("destinations", "exact,stats,", "exact,,", "prod", "consent to nothing"),
            ("destinations", "ads;stats,,,Web", "ads;stats,or,,Web", "dev", "consent to stats"),
            ("destination_types", "Analytics;GA", "Analytics", "dev", "GA no"),
            ("destination_types", "Analytics;GA", "Analytics;GA;ads", "dev", "ads alone"),
            ("small_zip3_areas", "2020,059\n", "", "dev", "area 059"),
            ("environments", "prod,90", "prod,91", "prod", "age 91"),
            ("suppressed_users", "prod,u-2", "prod,u-4", "prod", "person u-2"),
        ],
    )  # fmt: skip
    def test_sees_what_lets_more_leave(
        self,
        rich: Sound,
        tmp_path: Path,
        seed: str,
        before: str,
        after: str,
        environment: str,
        what: str,
    ) -> None:
        more = self.changed(rich, tmp_path, seed, before, after, environment)
        assert any(what in line for line in more), more

    @pytest.mark.parametrize(
        ("seed", "before", "after", "environment"),
        [
            ("allowed_properties", "form_id,allow", "form_id,mask", "dev"),
            ("allowed_properties", "items[].sku,allow", "items[].sku,deny", "prod"),
            ("allowed_properties", "note,allow,,,warn", "note,allow,,,block", "dev"),
            ("allowed_events", "dev,crm,Paid,\n", "", "dev"),
            ("allowed_events", "dev,ads,*,\n", "", "prod"),
            ("destinations", "prod,crm,crm,server_side,false", "prod,crm,crm,server_side,true",
             "prod"),
            ("destinations", "dev,crm,crm,server_side,true,,,*,hour,,",
             "dev,crm,crm,server_side,true,,,*,hour,ads,", "dev"),
            ("destinations", "ads;stats,or,true", "ads,,true", "prod"),
            ("destinations", ",,,,,,,false,Ads", ",,,,,,,,Ads", "dev"),
            ("environments", "prod,90", "prod,7", "prod"),
            ("suppressed_users", "dev,u-3", "*,u-3", "prod"),
        ],
    )  # fmt: skip
    def test_takes_less_for_less(
        self, rich: Sound, tmp_path: Path, seed: str, before: str, after: str, environment: str
    ) -> None:
        assert self.changed(rich, tmp_path, seed, before, after, environment) == []
