"""Rejected lines: what is said of them, and when they hold everything back."""

from __future__ import annotations

import pytest

from hipaa_mode.rejections import Judgement, Lines, judge, lines_of


def read(file: str, good: int, bad: int, run: int = 1) -> Lines:
    return Lines(file, run, good + bad, {"broken_json": bad} if bad else {})


def judged(
    *lines: Lines, share: float = 0.1, accepted: object = None, **passed: tuple[int, int]
) -> Judgement:
    return judge(lines, passed, share, accepted, lambda file: ("CSV", "Write JSON"))


def test_counts_are_put_together_by_file_and_run() -> None:
    rows = [("a", 1, None, 5), ("a", 1, "empty", 1), ("a", 1, "broken_json", 2), ("a", 2, None, 3)]
    assert lines_of(rows) == [
        Lines("a", 1, 8, {"empty": 1, "broken_json": 2}),
        Lines("a", 2, 3, {}),
    ]


def test_nothing_is_said_where_nothing_was_rejected() -> None:
    assert judged(read("a", 5, 0)) == Judgement((), (), 5)
    assert judged() == Judgement((), (), 0)


@pytest.mark.parametrize(("good", "bad", "holds"), [(9, 1, False), (89, 11, True), (8, 1, True)])
def test_more_than_a_tenth_holds_everything_back(good: int, bad: int, holds: bool) -> None:
    found = judged(read("a", good, bad))
    assert bool(found.reasons) is holds
    total = good + bad
    assert found.notices[0] == f"rejected {bad} of {total} new lines"
    assert found.notices[1] == f"rejected in a: {bad} broken_json"


def test_the_share_can_be_set() -> None:
    assert judged(read("a", 8, 2), share=0.2).reasons == ()
    assert judged(read("a", 0, 9), share=1).reasons == ()
    assert judged(read("a", 999, 1), share=0).reasons != ()


def test_a_file_of_which_nothing_could_be_used_holds_everything_back() -> None:
    found = judged(read("a", 1_000, 0), read("b.csv", 0, 3))
    assert found.reasons[0] == ("nothing in b.csv could be used: it seems to be CSV. Write JSON")
    assert "hipaa_mode__accept_rejected_lines: 3" in found.reasons[-1]


def test_they_are_accepted_by_their_number_alone() -> None:
    lines = (read("a", 1, 1), read("b", 0, 3))
    assert judged(*lines, accepted=4).reasons == ()
    assert judged(*lines, accepted="4").notices != ()
    assert judged(*lines, accepted=3).reasons != ()
    assert judged(*lines, accepted=True).reasons != ()


def test_what_was_let_pass_is_not_judged_again() -> None:
    assert judged(read("a", 0, 9), a=(9, 9)) == Judgement((), (), 0)
    # All files read anew, by a later run.
    assert judged(read("a", 0, 9, run=7), read("b", 50, 1, run=7), a=(9, 9)).reasons == ()


def test_what_grew_is_judged_by_what_is_new() -> None:
    found = judged(read("a", 0, 9), read("a", 3, 1, run=2), a=(9, 9))
    assert found.notices[0] == "rejected 1 of 4 new lines"
    assert found.reasons[0] == "1 of 4 new lines rejected, more than 10%"


def test_what_was_held_back_is_not_diluted_by_what_comes_later() -> None:
    found = judged(read("a", 5, 5), read("b", 9_990, 0, run=2))
    assert found.reasons[0] == "5 of 10 new lines rejected, more than 10%"


def test_a_file_written_anew_with_nothing_but_rejected_lines_is_found() -> None:
    assert judged(read("a", 0, 9, run=2), a=(9, 1)).reasons[0].startswith("nothing in a")


def test_a_file_that_was_put_right_is_let_pass() -> None:
    assert judged(read("a", 9, 0, run=2), a=(0, 0)).reasons == ()


def test_few_files_are_named() -> None:
    found = judged(*(read(f"f{n}", 0, 1) for n in range(8)))
    assert found.notices[-1] == "rejected in 3 more files"
    assert "nothing in 3 more files could be used" in found.reasons
