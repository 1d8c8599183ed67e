"""Faults in what is touched, withdrawn, stopped and given back."""

from __future__ import annotations

from fault import CHECK, Fault, fault

PACKAGE = "scripts/hipaa_mode"
PUBLISHING = f"{PACKAGE}/publishing.py"
FOLDERS = f"{PACKAGE}/folders.py"


def _unit(name: str, test: str, *edits: tuple[str, str, str]) -> Fault:
    expects = test.rpartition("::")[2]
    return fault("folders", CHECK, name, expects, *edits, check=test)


FAULTS: tuple[Fault, ...] = (
    _unit(
        "any name is an environment's",
        "unit/test_names.py::TestWhatIsNoEnvironment::test_leads_to_no_folder",
        (f"{PACKAGE}/names.py", "    if not is_environment(name):", "    if False:"),
    ),
    _unit(
        "a folder is withdrawn whatever its manifest names",
        "unit/test_folders.py::TestWithdrawing::test_takes_no_folder_whose_manifest_names_another",
        (
            PUBLISHING,
            "return manifest if names == (destination, environment) else None",
            "return manifest",
        ),
    ),
    _unit(
        "links are written through",
        "unit/test_folders.py::TestPublishing::test_through_a_link_is_refused",
        (FOLDERS, "        if path.is_symlink():\n", "        if False:\n"),
    ),
    _unit(
        "a mode that lets everybody in is taken",
        "unit/test_published_access.py::TestSettings::"
        "test_a_mode_that_opens_to_everybody_or_is_none_is_refused",
        (f"{PACKAGE}/settings.py", 'r"[02]?7[057]0"', 'r"[02]?7[057][057]"'),
    ),
    _unit(
        "what takes another's place is not given to the group",
        "unit/test_published_access.py::TestIsGiven::"
        "test_to_a_new_destination_and_to_what_takes_its_place",
        (PUBLISHING, "    if access.is_set:\n        for path", "    if False:\n        for path"),
    ),
    _unit(
        "a file that was changed with its times kept is taken for the same",
        "unit/test_audit.py::test_a_published_file_that_somebody_changed_is_recorded_once",
        (PUBLISHING, " and found.st_ctime_ns < touched", ""),
    ),
    _unit(
        "a stop of all destinations stops none",
        "console/test_stops.py::TestRows::test_a_row_stops_a_destination_or_all_in_an_environment_or_all",
        (
            f"{PACKAGE}/stops.py",
            "self.destination in (destination, ANY)",
            "self.destination == destination",
        ),
    ),
    _unit(
        "files are put in place without a look at the stops",
        "console/test_stops.py::TestWhileABuildIsAtWork::"
        "test_nothing_is_put_in_place_that_was_stopped_before_the_swap",
        (PUBLISHING, "            before_swap()\n", ""),
    ),
    _unit(
        "files of a stopped destination that are still there are not told",
        "console/test_stops.py::TestShown::test_files_of_it_that_are_still_there_fail_the_summary",
        (
            f"{PACKAGE}/stops_in_force.py",
            "        if publishing.looks_published(folder / name)\n",
            "        if False\n",
        ),
    ),
    _unit(
        "a key is forgotten where nothing lists what was published",
        "console/test_key_rotation.py::TestCommands::"
        "test_forget_says_that_nothing_lists_where_was_published_to",
        (f"{PACKAGE}/commands/key.py", "    if unlisted and not force:\n", "    if False:\n"),
    ),
    _unit(
        "a temporary copy of the project is published into",
        "console/test_temporary_copies.py::test_a_folder_in_the_copy_is_refused_with_the_remedy",
        (
            f"{PACKAGE}/temporary_copies.py",
            "    if _lies_in(path, project.resolve()) and is_temporary_copy(project):",
            "    if False:",
        ),
    ),
)
