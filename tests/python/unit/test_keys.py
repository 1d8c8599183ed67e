"""The masking key: derivation, loading, and that nothing ever shows it."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_mode.errors import ExitCode, MaskingKeyError
from hipaa_mode.keys import (
    DEFAULT_KEY_FILE,
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    MasterKey,
    generate_key,
    hkdf_sha256,
    load_master_key,
    write_key_file,
)

KEY = "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d"
OTHER_KEY = "1679091c5a880faf6fb5e6087eb1b2dce4da3b7fbbce2345d7772b0674a318d5"
SHOWN_DIGITS = 8
"""A run of this many of the key's digits in a message counts as showing it."""


def independent_hkdf(key_material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256 as RFC 5869 section 2 writes it, from the standard library alone."""
    extracted = hmac.new(salt or bytes(32), key_material, hashlib.sha256).digest()
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.new(extracted, block + info + bytes([counter]), hashlib.sha256).digest()
        output += block
        counter += 1
    return output[:length]


def shows_key(text: str, key: str) -> bool:
    digits = key.lower()
    runs = {digits[at : at + SHOWN_DIGITS] for at in range(len(digits) - SHOWN_DIGITS + 1)}
    return any(run in text.lower() for run in runs)


def refusal(environ: dict[str, str], secret: str, default_file: Path | None = None) -> str:
    """Load a key that must be refused; return the message, which shows nothing of the key."""
    with pytest.raises(MaskingKeyError) as caught:
        load_master_key(environ, default_file)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not shows_key(shown, secret)
    return str(caught.value)


def key_file(folder: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "masking.key"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("key_material", "salt", "info", "expected"),
    [
        pytest.param(
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            id="RFC 5869 A.1",
        ),
        pytest.param(
            bytes(range(0x00, 0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87",
            id="RFC 5869 A.2",
        ),
        pytest.param(
            "0b" * 22,
            "",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            id="RFC 5869 A.3",
        ),
    ],
)
def test_hkdf_gives_the_published_vectors(
    key_material: str, salt: str, info: str, expected: str
) -> None:
    parts = bytes.fromhex(key_material), bytes.fromhex(salt), bytes.fromhex(info)
    wanted = bytes.fromhex(expected)
    assert hkdf_sha256(*parts, len(wanted)) == wanted
    assert independent_hkdf(*parts, len(wanted)) == wanted


@given(
    st.binary(min_size=32, max_size=32),
    st.sampled_from(["dev", "prod", "eu-west_1"]),
    st.sampled_from(["*", "ga4", "google_ads"]),
)
def test_a_subkey_is_hkdf_of_the_key_for_environment_and_scope(
    key: bytes, environment: str, scope: str
) -> None:
    info = f"hipaa-mode/v1/{environment}/{scope}".encode()
    subkey = MasterKey(key).subkey(environment, scope).reveal()
    assert subkey == independent_hkdf(key, b"", info, 32).hex()
    assert re.fullmatch("[0-9a-f]{64}", subkey)


def test_every_environment_and_scope_has_a_subkey_of_its_own() -> None:
    key = MasterKey(bytes.fromhex(KEY))
    subkeys = {
        key.subkey(environment, scope).reveal()
        for environment in ("dev", "prod")
        for scope in ("*", "ga4", "google_ads")
    }
    assert len(subkeys) == 6
    assert KEY not in subkeys


def test_the_fingerprint_names_key_and_environment_and_is_no_part_of_a_subkey() -> None:
    key = MasterKey(bytes.fromhex(KEY))
    fingerprint = key.fingerprint("dev")
    assert re.fullmatch("[0-9a-f]{32}", fingerprint)
    assert fingerprint == MasterKey(bytes.fromhex(KEY)).fingerprint("dev")
    others = {key.fingerprint("prod"), MasterKey(bytes.fromhex(OTHER_KEY)).fingerprint("dev")}
    assert fingerprint not in others
    assert fingerprint not in key.subkey("dev", "*").reveal()
    assert not shows_key(fingerprint, KEY)


def test_a_key_comes_from_the_variable() -> None:
    key = load_master_key({KEY_VARIABLE: KEY})
    assert key.fingerprint("dev") == MasterKey(bytes.fromhex(KEY)).fingerprint("dev")


def test_a_key_comes_from_the_named_file(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY + "\n")
    key = load_master_key({KEY_FILE_VARIABLE: str(path)}, tmp_path / "absent.key")
    assert key.fingerprint("dev") == MasterKey(bytes.fromhex(KEY)).fingerprint("dev")


def test_a_key_comes_from_the_default_file_when_no_variable_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    DEFAULT_KEY_FILE.parent.mkdir()
    DEFAULT_KEY_FILE.write_text(KEY)
    DEFAULT_KEY_FILE.chmod(0o600)
    key = load_master_key({KEY_VARIABLE: "", KEY_FILE_VARIABLE: ""})
    assert key.fingerprint("dev") == MasterKey(bytes.fromhex(KEY)).fingerprint("dev")


def test_the_variable_beats_the_default_file(tmp_path: Path) -> None:
    key = load_master_key({KEY_VARIABLE: KEY}, key_file(tmp_path, OTHER_KEY))
    assert key.fingerprint("dev") == MasterKey(bytes.fromhex(KEY)).fingerprint("dev")


def test_upper_case_digits_are_the_same_key() -> None:
    lower, upper = (load_master_key({KEY_VARIABLE: text}) for text in (KEY, KEY.upper()))
    assert lower.fingerprint("dev") == upper.fingerprint("dev")


def test_a_missing_key_says_how_to_make_one(tmp_path: Path) -> None:
    message = refusal({}, KEY, tmp_path / "absent.key")
    assert "absent.key does not exist" in message
    assert "hipaa-mode keygen" in message


def test_two_sources_of_a_key_are_refused(tmp_path: Path) -> None:
    environ = {KEY_VARIABLE: KEY, KEY_FILE_VARIABLE: str(key_file(tmp_path, KEY))}
    message = refusal(environ, KEY)
    assert KEY_VARIABLE in message
    assert KEY_FILE_VARIABLE in message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(KEY[:-1], id="short"),
        pytest.param(KEY[:32], id="half"),
        pytest.param(KEY + "0", id="long"),
        pytest.param(KEY[:-1] + "g", id="not hexadecimal"),
        pytest.param("0x" + KEY, id="prefixed"),
        pytest.param(KEY[:32] + " " + KEY[32:], id="with a blank"),
        pytest.param(KEY[:-1] + "\uff11", id="full-width digit"),
        pytest.param(" ", id="blank"),
    ],
)
@pytest.mark.parametrize("source", ["variable", "file"])
def test_a_text_that_is_no_key_is_refused(text: str, source: str, tmp_path: Path) -> None:
    if source == "variable":
        message = refusal({KEY_VARIABLE: text}, KEY)
        assert KEY_VARIABLE in message
    else:
        path = key_file(tmp_path, text)
        message = refusal({KEY_FILE_VARIABLE: str(path)}, KEY)
        assert str(path) in message
    assert "hipaa-mode keygen" in message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0" * 64, id="zeros"),
        pytest.param("ff" * 32, id="one byte"),
        pytest.param("a7" * 32, id="one other byte"),
        pytest.param("deadbeef" * 8, id="four bytes repeated"),
        pytest.param("0123456789abcdef" * 4, id="all digits repeated"),
        pytest.param("8f14e45fceea167a5a36dedd4bea2543" * 2, id="half a key twice"),
        pytest.param(bytes(range(32)).hex(), id="counting"),
        pytest.param(bytes(range(200, 232)).hex(), id="counting from elsewhere"),
        pytest.param(bytes(range(31, -1, -1)).hex(), id="counting down"),
        pytest.param(bytes(range(0, 96, 3)).hex(), id="counting by three"),
        pytest.param("1234567890" * 6 + "1234", id="decimal digits repeated"),
        pytest.param("abc" * 21 + "a", id="three digits repeated"),
    ],
)
def test_a_key_that_repeats_itself_is_refused(text: str) -> None:
    message = refusal({KEY_VARIABLE: text}, text)
    assert "not random" in message
    assert KEY_VARIABLE in message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601])
def test_a_key_file_that_others_can_open_is_refused(mode: int, tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY, mode)
    message = refusal({KEY_FILE_VARIABLE: str(path)}, KEY)
    assert f"chmod 600 {path}" in message


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_of_its_owner_alone_is_read(mode: int, tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY, mode)
    assert load_master_key({KEY_FILE_VARIABLE: str(path)}).fingerprint("dev")


def test_a_key_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    message = refusal({KEY_FILE_VARIABLE: str(tmp_path)}, KEY)
    assert f"{tmp_path} can't be read" in message


def test_a_key_file_of_raw_bytes_is_refused(tmp_path: Path) -> None:
    path = key_file(tmp_path, b"\xff" + bytes.fromhex(KEY))
    assert "can't be read" in refusal({KEY_FILE_VARIABLE: str(path)}, KEY)


def test_a_key_given_as_the_name_of_its_file_is_not_quoted() -> None:
    refusal({KEY_FILE_VARIABLE: KEY}, KEY)


def test_an_unusable_key_has_an_exit_code_of_its_own() -> None:
    assert MaskingKeyError.exit_code == ExitCode.BAD_KEY


def test_no_object_shows_its_key() -> None:
    key = MasterKey(bytes.fromhex(KEY))
    subkey = key.subkey("dev", "*")
    for value, secret in ((key, KEY), (subkey, subkey.reveal())):
        for text in (repr(value), str(value), f"{value}", repr([value])):
            assert not shows_key(text, secret)
        assert not hasattr(value, "__dict__")


def test_a_generated_key_is_one_that_loads_and_never_the_same() -> None:
    keys = {generate_key() for _ in range(50)}
    assert len(keys) == 50
    for key in keys:
        assert load_master_key({KEY_VARIABLE: key})


def test_a_key_file_is_its_owners_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "made" / "masking.key"
    previous = os.umask(0)
    try:
        write_key_file(path, KEY)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text() == KEY + "\n"
    assert load_master_key({KEY_FILE_VARIABLE: str(path)})


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY)
    with pytest.raises(MaskingKeyError, match="exists already") as caught:
        write_key_file(path, OTHER_KEY)
    assert path.read_text() == KEY
    assert not shows_key(str(caught.value), OTHER_KEY)


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "masking.key"
    path.symlink_to(tmp_path / "elsewhere.key")
    with pytest.raises(MaskingKeyError):
        write_key_file(path, KEY)
    assert not (tmp_path / "elsewhere.key").exists()


def test_a_key_file_that_has_no_folder_to_be_in_is_a_key_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MaskingKeyError):
        write_key_file(tmp_path / "file" / "masking.key", KEY)
