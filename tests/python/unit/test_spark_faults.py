"""What keeps a Spark session from starting is said in a line, before dbt asks for one."""

from __future__ import annotations

import importlib.metadata
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt_common.exceptions import CompilationError

from hipaa_mode.engines import spark_faults
from hipaa_mode.engines.spark_faults import faults_before, refuse_once


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "4.3.0")


def java(folder: Path, version: str) -> dict[str, str]:
    """Put a Java of some version into a folder."""
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n", "utf-8")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_a_session_that_can_start_has_no_faults(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = {
            "spark.master": f"spark://127.0.0.1:{server.getsockname()[1]}",
            "spark.sql.warehouse.dir": str(tmp_path / "restricted" / "spark"),
        }
        assert list(faults_before(settings, java(tmp_path, "17.0.9"))) == []


@pytest.mark.parametrize(
    ("version", "said"), [("1.8.0_402", "is Java 8, and 17"), ("11.0.2", "is Java 11, and 17")]
)
def test_an_old_java_is_refused(tmp_path: Path, version: str, said: str) -> None:
    [fault] = faults_before({}, java(tmp_path, version))
    assert said in fault
    assert "let JAVA_HOME name its folder" in fault


def test_a_missing_java_is_refused(tmp_path: Path) -> None:
    [fault] = faults_before({}, {"PATH": str(tmp_path)})
    assert "no Java. Install Java 17" in fault
    [fault] = faults_before({}, {**java(tmp_path, "17"), "JAVA_HOME": str(tmp_path)})
    assert "JAVA_HOME has no bin/java" in fault


def test_another_pyspark_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "3.5.1")
    [fault] = faults_before({}, java(tmp_path, "17"))
    assert fault == (
        "pyspark 3.5.1 is installed, and 4.3 is needed. Run: pip install 'hipaa-mode[spark]'"
    )

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    [fault] = faults_before({}, java(tmp_path, "17"))
    assert "pyspark is not installed. Run: pip install" in fault


def test_a_master_that_does_not_answer_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    [fault] = faults_before({"spark.master": f"spark://127.0.0.1:{port}"}, java(tmp_path, "17"))
    assert f"spark://127.0.0.1:{port} does not answer. Start the master" in fault


def test_a_connect_server_is_refused_and_its_address_not_quoted(tmp_path: Path) -> None:
    address = "sc://localhost/;token=a-token"
    environ = java(tmp_path, "17")
    for settings, variables in (({"spark.remote": address}, {}), ({}, {"SPARK_REMOTE": address})):
        [fault] = faults_before(settings, environ | variables)
        assert "Spark Connect server was not proven" in fault and "Let dbt start Spark" in fault
        assert "a-token" not in fault


def test_a_warehouse_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = {"spark.sql.warehouse.dir": f"file://{tmp_path}/file/spark"}
    [fault] = faults_before(settings, java(tmp_path, "17"))
    assert f"{tmp_path}/file is no folder that you may write to" in fault


def adapter(method: str = "session") -> Any:
    credentials = SimpleNamespace(method=method, server_side_parameters={})
    return SimpleNamespace(config=SimpleNamespace(credentials=credentials))


def test_a_build_is_refused_once_and_a_compilation_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_faults, "_looked_at", set())
    environ = {"PATH": str(tmp_path)}
    asked = [adapter() for _ in range(3)]
    refuse_once(asked[0], environ, "compile")
    with pytest.raises(CompilationError, match="Spark was not started, so nothing was built"):
        refuse_once(asked[1], environ, "build")
    refuse_once(asked[1], environ, "build")
    with pytest.raises(CompilationError, match="`dbt run` has no tables on Spark"):
        refuse_once(asked[2], environ, "run")
