"""`hipaa-mode verify`: the static proof over the compiled SQL."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from hipaa_mode import ending
from hipaa_mode.commands import console, options
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.project import dbt_command, read_plan, refuse_faults
from hipaa_mode.verify.lock import lock_verdicts
from hipaa_mode.verify.manifest import read_manifest
from hipaa_mode.verify.proof import Proof, Verdict, prove
from hipaa_mode.verify.sarif import as_sarif

OUTPUT_LINES_SHOWN = 20


def verify(
    environment: Annotated[
        list[str] | None,
        options.environment("An environment to prove; may be repeated."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help="dbt target to compile for, such as one of PostgreSQL; the environment if not "
            "given.",
        ),
    ] = None,
    project: options.Project = Path("."),
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="A manifest.json that `dbt compile` wrote; compiles itself if not given."
        ),
    ] = None,
    trace: Annotated[bool, typer.Option(help="Show every column and the paths it reads.")] = False,
    as_json: options.Json = False,
    sarif: Annotated[
        Path | None, typer.Option(help="Also write the violations as SARIF 2.1.0 to this file.")
    ] = None,
) -> None:
    """Prove from the compiled SQL that the views hold what the allowlist says and nothing else.

    Needs no database, no key and no raw calls. The exit code is 1 where anything is not proven.

    Example: `hipaa-mode verify --environment dev --environment prod --sarif verify.sarif`
    """
    proofs: list[Proof] = []
    for name in environment or ["dev"]:
        tell = (lambda text: None) if as_json else console.messages.print
        proofs.append(prove_environment(project, name, manifest, tell, target))
    if sarif is not None:
        sarif.write_text(json.dumps(as_sarif(proofs), indent=2) + "\n", encoding="utf-8")
    if as_json:
        console.print_json([as_json_of(proof) for proof in proofs])
    else:
        for proof in proofs:
            _show(proof, trace)
    console.fail_if(any(proof.violations for proof in proofs))


def prove_environment(
    project: Path,
    environment: str,
    manifest: Path | None,
    tell: Callable[[str], None],
    target: str | None = None,
) -> Proof:
    """Prove an environment's views, and that they are what the lock says.

    Args:
        manifest: what `dbt compile` wrote; None compiles the project.
        tell: told what is being proven.
        target: dbt target to compile for; the environment if not given.

    Raises:
        HipaaModeError: nothing can be proven.
    """
    plan = read_plan(project, environment, check_models=False)
    refuse_faults(plan)
    count = len(plan.destinations)
    noun = "destination" if count == 1 else "destinations"
    tell(f"Proving {count} {noun} of {environment} …")
    with tempfile.TemporaryDirectory(prefix="hipaa_mode_verify_") as folder:
        compiled = manifest or _compiled(environment, target, project, Path(folder))
        proof = prove(plan, read_manifest(compiled, project))
    proof.verdicts += lock_verdicts(project, environment)
    return proof


def as_json_of(proof: Proof) -> dict[str, Any]:
    """Return what machines read."""
    return {
        "environment": proof.environment,
        "proven": not proof.violations,
        "violations": len(proof.violations),
        "verdicts": [verdict.as_dict() for verdict in proof.verdicts],
    }


def _compiled(environment: str, target: str | None, project: Path, folder: Path) -> Path:
    """Compile the project into a folder of its own, on an empty database, or without a server."""
    command = [
        dbt_command(), "--no-use-colors", "--quiet", "compile",
        "--select", "resource_type:model", "resource_type:snapshot", "resource_type:analysis",
        "--indirect-selection", "empty",
        "--no-introspect", "--no-populate-cache",
        "--target", target or environment,
        "--target-path", str(folder / "target"),
        "--log-path", str(folder / "logs"),
        "--project-dir", str(project),
        "--profiles-dir", os.environ.get("DBT_PROFILES_DIR", str(project)),
    ]  # fmt: skip
    # The database's name is part of the relations' names: it stays.
    environ = {**os.environ, "HIPAA_MODE_DATABASE": str(folder / f"{environment}.duckdb")}
    if target is not None:
        command += ["--vars", json.dumps({"hipaa_mode__environment": environment})]
    done = ending.run(command, Path.cwd(), environ)
    if done.returncode:
        lines = done.stdout.decode("utf-8", "backslashreplace").splitlines()
        shown = "\n".join(lines[-OUTPUT_LINES_SHOWN:])
        raise HipaaModeError(f"dbt compile failed, so nothing was proven:\n{shown}")
    return folder / "target" / "manifest.json"


def _show(proof: Proof, trace: bool) -> None:
    tree = Tree(f"[bold]{escape(proof.environment)}[/]")
    views: dict[str, dict[str, list[Verdict]]] = {}
    for verdict in proof.verdicts:
        of_destination = views.setdefault(verdict.destination, {})
        of_destination.setdefault(verdict.view, []).append(verdict)
    for destination, of_destination in views.items():
        node = tree.add(f"[bold]{escape(destination)}[/]")
        for view, verdicts in of_destination.items():
            wrong = [verdict for verdict in verdicts if verdict.outcome == "violation"]
            mark = f"[bold red]{len(wrong)} not proven[/]" if wrong else "[green]proven[/]"
            outcomes = Counter(verdict.outcome for verdict in verdicts if verdict.column)
            counts = [f"{count} {outcome}" for outcome, count in outcomes.most_common()]
            branch = node.add(f"{escape(view)}: {mark} ({', '.join(counts) or 'rows'})")
            for verdict in verdicts if trace else wrong:
                _add(branch, verdict)
    console.show(tree)
    if proof.violations:
        console.show(
            f"[bold red]{len(proof.violations)} violations.[/] Nothing proves these safe."
        )
    else:
        columns = sum(1 for verdict in proof.verdicts if verdict.column)
        count = sum(map(len, views.values()))
        console.show(f"[green]Proven[/]: {columns} columns of {count} views.")


def _add(branch: Tree, verdict: Verdict) -> None:
    name = escape(verdict.column or ("rows" if verdict.outcome == "rows" else verdict.view))
    reads = escape(", ".join(verdict.reads))
    if verdict.outcome != "violation":
        branch.add(f"{name}: {verdict.outcome}" + (f" [dim]{reads}[/]" if reads else ""))
        return
    text = f"[red]{name}: {verdict.rule}[/]: {escape(verdict.problem)}"
    leaf = branch.add(text + (f" [dim]({reads})[/]" if reads else ""))
    for step in verdict.trace:
        line = f", line {step.line} as compiled" if step.line else ""
        leaf.add(f"[dim]{escape(step.model)}{line}:[/] {escape(step.expression)}")
    leaf.add(f"{escape(verdict.file)}: {escape(verdict.remedy)}")
