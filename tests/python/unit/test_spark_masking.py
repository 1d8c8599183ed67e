"""What executors of Spark read from a key file of theirs, and what they say of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import KEY, OTHER_KEY, subkey

from hipaa_mode.engines.spark_faults import faults_before
from hipaa_mode.engines.spark_masking import FILE_VARIABLE, KeyFile, fault_of, key_file
from hipaa_mode.errors import MaskingKeyError
from hipaa_mode.keys import KEY_FILE_VARIABLE, load_master_key, rotate_key

OF_KEY = load_master_key({"HIPAA_MODE_KEY": KEY}).fingerprint("dev")


def written(folder: Path, text: str = KEY, mode: int = 0o600) -> KeyFile:
    """Write a key file for executors that are to find the tests' key."""
    path = folder / "masking.key"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    found = key_file({FILE_VARIABLE: str(path)}, "dev", OF_KEY)
    assert found is not None
    return found


def test_subkeys_are_those_that_the_function_would_bring(tmp_path: Path) -> None:
    file = written(tmp_path)
    assert [file.subkey(scope).reveal() for scope in ("*", "ads")] == [
        subkey("dev", "*"),
        subkey("dev", "ads"),
    ]
    assert key_file({}, "dev", OF_KEY) is None


def test_subkeys_of_a_retired_key_are_made_of_the_folder_beside(tmp_path: Path) -> None:
    path = written(tmp_path).path
    rotate_key({KEY_FILE_VARIABLE: path})
    now = load_master_key({KEY_FILE_VARIABLE: path}).fingerprint("dev")
    file = KeyFile(path, "dev", now)
    assert file.subkey(f"{OF_KEY} ads").reveal() == subkey("dev", "ads")
    with pytest.raises(MaskingKeyError, match="no retired key"):
        file.subkey(f"{'0' * 32} ads")


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (KEY, 0o644, "others can read it. Run there: chmod 600"),
        (OTHER_KEY, 0o600, "its key is not the one of this run"),
        (KEY[:63], 0o600, "it can't be read, or holds no key"),
        ("", 0o600, "it can't be read, or holds no key"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_in_one_line(
    tmp_path: Path, text: str, mode: int, said: str
) -> None:
    file = written(tmp_path, text, mode)
    with pytest.raises(MaskingKeyError) as refused:
        file.subkey("*")
    fault = fault_of(f"jane@clinic.example: {refused.value}\njane@clinic.example")
    assert said in fault
    assert "\n" not in fault and "jane" not in fault
    assert not text or text not in f"{refused.value} {refused.value.__cause__}"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MaskingKeyError) as refused:
        KeyFile(f"{tmp_path}/none", "dev", OF_KEY).subkey("*")
    assert "there is none. Put it there on every executor" in fault_of(str(refused.value))
    assert fault_of("another error") == ""


@pytest.mark.parametrize("named", ["masking.key", KEY])
def test_a_setting_that_is_no_path_is_refused_without_its_value(named: str) -> None:
    faults = [text for text in faults_before({}, {FILE_VARIABLE: named}) if FILE_VARIABLE in text]
    assert len(faults) == 1 and named not in faults[0]
