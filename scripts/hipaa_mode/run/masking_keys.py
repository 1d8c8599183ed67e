"""The keys of a run: what its tokens, and those of before a rotation, are made with."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from hipaa_mode import audit
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.keys import MasterKey, Subkey, load_master_key, load_retired_keys
from hipaa_mode.masking import make_tokens


class MaskingKeys:
    """The masking key, loaded when first needed, and the retired ones.

    Args:
        environment: the environment whose subkeys they make; None until the run knows it.
    """

    def __init__(self, environ: Mapping[str, str], environment: str | None = None) -> None:
        self._environ = environ
        self._environment = environment
        self._master: MasterKey | None = None
        self._subkeys: dict[str, Subkey] = {}
        self._retired: dict[str, MasterKey] | None = None

    def tokens(self, values: pa.Array, scopes: pa.Array) -> pa.Array:
        """Mask a vector of values; see `hipaa_mode.masking.make_tokens`."""
        return make_tokens(values, scopes, self.subkey)

    def retired_tokens(self, values: pa.Array, scopes: pa.Array, keys: pa.Array) -> pa.Array:
        """Mask a vector of values as it was masked under a retired key, given by fingerprint."""
        named = keys.unique().to_pylist()
        if len(named) != 1:
            raise HipaaModeError("hipaa_mask_retired takes one key at a time")
        return make_tokens(values, scopes, lambda scope: self.retired_subkey(str(named[0]), scope))

    def fingerprint(self) -> str:
        """Return the fingerprint of the masking key.

        Raises:
            HipaaModeError: there is no key that can be used.
        """
        return self._key().fingerprint(str(self._environment))

    def retired_fingerprints(self) -> list[str]:
        """Return the fingerprints of the retired keys, sorted."""
        return sorted(self._retired_keys())

    def of_audit_log(self) -> tuple[bytes | None, str | None]:
        """Return the key that seals audit entries and its fingerprint; None for no key."""
        try:
            subkey = self.subkey(audit.KEY_SCOPE)
            return subkey.reveal().encode("ascii"), self.fingerprint()
        except HipaaModeError:
            return None, None

    def subkey(self, scope: str) -> Subkey:
        """Return the subkey of a scope."""
        if scope not in self._subkeys:
            if self._environment is None:
                raise HipaaModeError(
                    "hipaa_mask was called before the run settled its environment. "
                    "Keep hipaa_mode's on-run-start hook"
                )
            self._subkeys[scope] = self._key().subkey(self._environment, scope)
        return self._subkeys[scope]

    def retired_subkey(self, fingerprint: str, scope: str) -> Subkey:
        """Return the subkey of a scope under a retired key."""
        environment = self._environment
        key = None if environment is None else self._retired_keys().get(fingerprint)
        if key is None or environment is None:
            raise HipaaModeError("hipaa_mask_retired was called for a key that is not at hand")
        return key.subkey(environment, scope)

    def _key(self) -> MasterKey:
        if self._master is None:
            self._master = load_master_key(self._environ)
        return self._master

    def _retired_keys(self) -> dict[str, MasterKey]:
        if self._retired is None:
            environment = str(self._environment)
            self._retired = {
                retired.key.fingerprint(environment): retired.key
                for retired in load_retired_keys(self._environ)
            }
        return self._retired
