"""The seeds and models of a project as they were at a commit."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hipaa_mode.errors import MissingFileError


@contextmanager
def project_at(project: Path, reference: str) -> Iterator[tuple[Path, str]]:
    """Give a folder with the seeds and models that a project had, and the commit's id.

    Args:
        project: folder of the dbt project, in a git work tree.
        reference: what git calls the commit: a branch, a tag, an id, `HEAD~1`.

    Raises:
        MissingFileError: there is no git, no such commit, or no seeds in it.
    """
    commit = _git(
        project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}"
    )
    if commit is None:
        raise MissingFileError(
            f"git knows no commit `{reference}` here. Name a branch, a tag or a commit, and fetch "
            "it first"
        )
    identity = commit.decode("ascii").strip()
    listed = _git(project, "ls-tree", "--name-only", identity, "--", "seeds", "models") or b""
    names = listed.decode("utf-8", "replace").split()
    if "seeds" not in names:
        raise MissingFileError(f"The commit {reference} has no folder seeds")
    archive = _git(project, "archive", "--format=tar", identity, "--", *names)
    with tempfile.TemporaryDirectory(prefix="hipaa_mode_seeds_") as name:
        folder = Path(name)
        with tarfile.open(fileobj=io.BytesIO(archive or b"")) as packed:
            for member in packed.getmembers():
                # Plain files only: a link could lead anywhere.
                content = packed.extractfile(member) if member.isfile() else None
                path = folder / member.name
                if content is None or ".." in path.parts:
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
        yield folder, identity


def _git(project: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(project), *arguments], capture_output=True, check=False
        )
    except OSError:
        raise MissingFileError("git is not installed, so nothing can be compared") from None
    return None if done.returncode else done.stdout
