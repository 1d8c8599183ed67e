"""Who may read what is published: a group, and a mode, that two environment variables name.

A build gives both to the environment's folder and to every folder and file that readers may have,
before it puts them in place. Without the variables, what is new is its owner's alone, and what
takes another's place has that one's group and mode. The audit log and the run's record are their
owner's alone either way.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hipaa_mode.errors import PublishingError
from hipaa_mode.seeds import Fault

GROUP = "HIPAA_MODE_PUBLISHED_GROUP"
MODE = "HIPAA_MODE_PUBLISHED_MODE"

MODE_WITH_A_GROUP = 0o750
OTHERS = 0o077

_UNSET = "Correct it, or unset it: files are then their owner's alone"


@dataclass(frozen=True)
class Access:
    """The group and mode of what is published; none where a variable does not say.

    Attributes:
        group: the group's number.
        mode: the folders' mode; files have it without the right to execute.
    """

    group: int | None = None
    mode: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether a variable says anything."""
        return self.mode is not None

    def give(self, path: Path) -> bool:
        """Give a folder or file the group and mode; tell whether it had others."""
        if self.has(path):
            return False
        if self.group is not None:
            os.chown(path, -1, self.group, follow_symlinks=False)
        # A change of the group takes bits of the mode away.
        mode = self._mode_of(path.lstat())
        if mode is not None:
            path.chmod(mode)
        return True

    def has(self, path: Path) -> bool:
        """Tell whether a folder or file has the group and mode."""
        found = path.lstat()
        has_mode = self._mode_of(found) in (None, stat.S_IMODE(found.st_mode))
        return self.group in (None, found.st_gid) and has_mode

    def lets_through(self, folder: Path) -> bool:
        """Tell whether the group can go through a folder that is not only ours."""
        found = folder.stat()
        is_groups = self.group in (None, found.st_gid) and found.st_mode & stat.S_IXGRP
        return bool(is_groups or found.st_mode & stat.S_IXOTH or not (self.mode or 0) & 0o010)

    def _mode_of(self, found: os.stat_result) -> int | None:
        return self.mode and (self.mode if stat.S_ISDIR(found.st_mode) else self.mode & 0o666)


NO_ACCESS = Access()


def read_access(environ: Mapping[str, str]) -> Access:
    """Read the two variables.

    Raises:
        PublishingError: they name a group that is not there.
    """
    named, mode = environ.get(GROUP), environ.get(MODE)
    if named is None and mode is None:
        return NO_ACCESS
    return Access(
        None if named is None else _number_of(named.strip()),
        MODE_WITH_A_GROUP if mode is None else int(mode.strip(), 8),
    )


def access_faults(environ: Mapping[str, str], root: Path) -> list[Fault]:
    """Say why the group and mode can't be given to what is published to a folder; tries it.

    Args:
        environ: the process environment, whose values are of their kinds.
        root: the folder, which need not be there.
    """
    try:
        access = read_access(environ)
    except PublishingError as error:
        return [Fault("environment variables", None, str(error), _UNSET)]
    if not access.is_set:
        return []
    near = next(path for path in (root, *root.absolute().parents) if path.is_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=".hipaa_mode.", dir=near) as probe:
            access.give(Path(probe))
            is_given = access.has(Path(probe))
    except OSError as error:
        problem = f"what is published can't be given `{GROUP}`: {error.strerror} (in {near})"
        remedy = (
            "Make the account that runs builds a member of the group (usermod -aG <group> "
            f"<account>, then log in anew), or unset {GROUP}"
        )
        return [Fault("environment variables", None, problem, remedy)]
    if not is_given:
        problem = f"the file system of {near} does not keep the group and mode that it is given"
        remedy = f"Set them where it is mounted, and unset {GROUP} and {MODE}"
        return [Fault("environment variables", None, problem, remedy)]
    if root.is_dir() and not access.lets_through(root) and root.stat().st_mode & OTHERS:
        problem = f"the group can't enter {root}, which others can: nobody would find its files"
        remedy = f"chgrp it to the group and chmod g+x it, or name its group in {GROUP}"
        return [Fault("environment variables", None, problem, remedy)]
    return []


def _number_of(group: str) -> int:
    if group.isascii() and group.isdigit():
        return int(group)
    if os.name == "posix":
        import grp

        try:
            return grp.getgrnam(group).gr_gid
        except KeyError:
            pass
    raise PublishingError(f"`{GROUP}` names no group of this machine")
