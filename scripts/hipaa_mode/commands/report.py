"""`hipaa-mode report`: one HTML file that tells what each destination gets, and what proves it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hipaa_mode.commands import console, options
from hipaa_mode.commands.verify import as_json_of, prove_environment
from hipaa_mode.errors import HipaaModeError, MissingFileError
from hipaa_mode.project import read_seeds
from hipaa_mode.report.content import Report, gather
from hipaa_mode.report.render import render


def report(
    file: Annotated[
        Path, typer.Option("--output", "-o", help="File to write; - for the standard output.")
    ] = Path("hipaa_mode_report.html"),
    environment: options.Environments = None,
    project: options.Project = Path("."),
    published: options.Published = None,
    proof: Annotated[
        Path | None,
        typer.Option(help="What `hipaa-mode verify --json` wrote; runs it if not given."),
    ] = None,
    verify: Annotated[
        bool, typer.Option(help="Run the static proof, which takes most of the time.")
    ] = True,
    check: Annotated[
        bool, typer.Option(help="Exit code 1 if there is anything to look at.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the content as JSON to the standard output.")
    ] = False,
) -> None:
    """Write a report for people who read no SQL: one HTML file, no network, no value of a call.

    Tells by environment and destination the mode and whether it is valid, what is sent, masked and
    generalised and why, what the static proof and the tests came to, what is dropped most, which
    properties are new, and the audit trail. The last three need a build (`dbt build`) and an
    inventory (`hipaa-mode inventory --new`).

    Example: `hipaa-mode report --environment prod --output report.html`
    """
    names = environment or read_seeds(project).environments() or ["dev"]
    root = options.published_root(published, project)
    if proof is not None:
        proofs = _read_proofs(proof)
    else:
        proofs = _verify(project, names) if verify else {}
    content = gather(project, names, root, proofs)
    if as_json:
        console.print_json(dataclasses.asdict(content))
    else:
        _write(file, render(content))
        _print_summary(content, file)
    console.fail_if(check and content.attention)


def _read_proofs(file: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, list):
            raise TypeError
        return {str(item["environment"]): dict(item) for item in content}
    except (OSError, ValueError, TypeError, KeyError):
        raise MissingFileError(
            f"{file} is not what `hipaa-mode verify --json` writes. Write it anew, or leave "
            "--proof out"
        ) from None


def _verify(project: Path, environments: list[str]) -> dict[str, dict[str, Any]]:
    proofs: dict[str, dict[str, Any]] = {}
    with console.messages.status("") as status:
        for name in environments:
            try:
                proof = prove_environment(project, name, None, status.update)
                proofs[name] = as_json_of(proof)
            except HipaaModeError as error:
                proofs[name] = {"failed": str(error)}
    return proofs


def _write(file: Path, text: str) -> None:
    if str(file) == "-":
        print(text, end="")
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MissingFileError(f"{file} can't be written: {error.strerror}") from None


def _print_summary(content: Report, file: Path) -> None:
    for environment in content.environments:
        counted = ", ".join(
            f"{environment.count(mode)} {mode.lower() if mode != 'HIPAA mode' else mode}"
            for mode in ("HIPAA mode", "Not restricted", "Invalid")
        )
        counted += f", {environment.stopped} stopped" if environment.stopped else ""
        count = len(environment.attention)
        console.say(f"{environment.name}: {counted}; {count} to look at.", to=console.messages)
    if str(file) != "-":
        console.say(f"Wrote {file}")
