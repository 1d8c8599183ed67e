"""Faults in what the seeds come to, and in tokens and the key."""

from __future__ import annotations

from fault import CANARIES, CHECK, CONSTRUCTION, EXPERIMENT, PROOF, TESTS, Fault, fault

MASKING = "macros/masking"
TOKEN = "macros/engine/masking.sql"
PACKAGE = "scripts/hipaa_mode"
PLAN = f"{PACKAGE}/plan.py"
SELECTION = f"{PACKAGE}/selection.py"
MASK = f"{PACKAGE}/masking.py"
KEYS = f"{PACKAGE}/keys.py"
PLUGIN = f"{PACKAGE}/plugin.py"
CALL_TOKEN = "'system.main.hipaa_mask(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ')'"

FAULTS: tuple[Fault, ...] = (
    # What the seeds come to
    fault(
        "Python",
        TESTS,
        "events that are not listed are allowed",
        "only_allowed_events_ga4__events",
        (
            PLAN,
            "    if not destination.restrict_phi:\n        return None\n",
            "    if True:\n        return None\n",
        ),
    ),
    fault(
        "Python",
        TESTS,
        "properties that are not listed are allowed",
        "no_identifier_patterns_ga4__events",
        (
            PLAN,
            "        if not destination.restrict_phi:\n            whole",
            "        if True:\n            whole",
        ),
        (
            PLAN,
            "plan.keeps_whole_objects = any(not item.restrict_phi for item in destinations)",
            "plan.keeps_whole_objects = True",
        ),
    ),
    fault(
        "Python",
        TESTS,
        "events of other environments count",
        "only_allowed_events_ga4__events",
        (
            SELECTION,
            "if row.environment in (environment, ANY) and row.destination in",
            "if row.destination in",
        ),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "properties of other environments count",
        r"ga4__events\.diagnosis: is not allowed by the seeds",
        (SELECTION, "if row.environment in (environment, ANY) and (", "if True and ("),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "the row for all destinations beats a destination's own",
        r"ga4__events\.tier",
        (SELECTION, "best = max(", "best = min("),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "expired rows count",
        r"ga4__events\.retired: is not allowed by the seeds",
        (SELECTION, "row.expires_on >= today or narrows", "True"),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "an expired row lets the wider one through",
        r"ga4__events\.segment: is not allowed by the seeds",
        (
            SELECTION,
            "if row.environment in (environment, ANY) and (",
            "if (row.expires_on or today) >= today and row.environment in (environment, ANY) and (",
        ),
    ),
    fault(
        "Python",
        CONSTRUCTION,
        "denied properties are let through",
        "no such treatment: deny",
        (
            SELECTION,
            'return row.treatment.kind.name != "deny" or row.property_list == ENVELOPE',
            "return True",
        ),
    ),
    fault(
        "Python",
        PROOF,
        "a denied id is sent as a token",
        r"form: ga4__events\.group_id",
        (
            PLAN,
            'masked = "" if treatment == "deny" else f"{name}__raw"',
            'masked = f"{name}__shared" if treatment == "deny" else f"{name}__raw"',
        ),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "a destination's own scope is the one that all share",
        r"ads__events\.row_id: not the tokens of its values",
        (
            f"{PACKAGE}/configuration.py",
            "return self.name if self.has_own_scope else ANY",
            "return ANY",
        ),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "times are exact where the seed says nothing",
        r"ads__events\.timestamp: unlisted data changed it",
        (
            f"{PACKAGE}/configuration.py",
            'default="day" if restrict_phi else "exact"',
            'default="exact"',
        ),
    ),
    fault(
        "Python",
        CANARIES,
        "free text is not guarded unless a row asks for it",
        "a planted value in published/dev/ga4/ga4__events/",
        (
            f"{PACKAGE}/effects.py",
            '("block" if destination.is_in_hipaa_mode else "none")',
            '"none"',
        ),
    ),
    fault(
        "Python",
        PROOF,
        "only the first key of a path counts",
        r"unlisted-property: ga4__events\.address_city",
        (
            PLAN,
            "    for step in path.steps:\n        if step.is_array:\n            steps +=",
            "    for step in path.steps[:1]:\n        if step.is_array:\n            steps +=",
        ),
    ),
    fault(
        "Python",
        PROOF,
        "a property called * is a wildcard",
        "syntax: ga4__events: in model calls_read: a JSON path that is no one place",
        (f"{PACKAGE}/paths.py", 'return name not in ("*", "")', 'return name != ""'),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "paths are folded to lower case",
        r"ga4__events\.ward",
        (f"{PACKAGE}/paths.py", "escaped = name.replace(", "escaped = name.lower().replace("),
    ),
    # Tokens and the key
    fault(
        "Python",
        TESTS,
        "numbers are not masked",
        "masked_columns_are_tokens_ga4__events",
        (
            MASK,
            "return hmac_sha256(present, subkey)",
            "return pc.if_else(pc.ascii_is_decimal(values), values.cast(pa.large_string()), hmac_sha256(present, subkey).cast(pa.large_string()))",
        ),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "environments share their subkeys",
        r"ga4__events\.user_id: not the tokens of its values|ga4__events\.row_id: not the tokens",
        (KEYS, 'f"hipaa-mode/v1/{environment}/{scope}"', 'f"hipaa-mode/v1/{scope}"'),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "tokens are a short hash, filled up with zeros",
        r"ga4__events\.row_id: not the tokens of its values",
        (
            MASK,
            "return hmac_sha256(present, subkey)",
            'return pc.utf8_rpad(pc.utf8_slice_codeunits(hmac_sha256(present, subkey), 0, 12), 64, "0")',
        ),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "a blank value has a token",
        r"ga4__events\.email: not the tokens of its values",
        (
            MASK,
            "present = pc.if_else(has_mark, values, _null(values.type))",
            "present = values",
        ),
    ),
    fault(
        "plugin",
        EXPERIMENT,
        "surrogates are not different",
        r"ga4__events\.member: its codes are not one for each value",
        (
            MASK,
            "digits = secrets.token_hex(SURROGATE_BYTES * count)",
            'digits = "0" * (2 * SURROGATE_BYTES * count)',
        ),
    ),
    fault(
        "plugin",
        CANARIES,
        "a subkey is in the compiled SQL",
        r"a subkey in (target|logs)/",
        (
            f"{PACKAGE}/run/build_questions.py",
            "    def json_texts(self, text: str) -> str:\n",
            "    def subkey(self, scope: str) -> str:\n        return self.keys.subkey(scope).reveal()\n\n    def json_texts(self, text: str) -> str:\n",
        ),
        (
            f"{PACKAGE}/run/door.py",
            '"judged_values", "json_texts")',
            '"judged_values", "json_texts", "subkey")',
        ),
        (
            TOKEN,
            CALL_TOKEN,
            f"{CALL_TOKEN} ~ ' /* ' ~ hipaa_mode.door().subkey(scope) ~ ' */'",
        ),
    ),
    fault(
        "plugin",
        CHECK,
        "a model may ask what only the start of a run may",
        "test_what_a_hook_asks_nobody_else_may",
        (f"{PACKAGE}/run/door.py", "if hook and not asking", "if False and not asking"),
        check="unit/test_door.py::test_what_a_hook_asks_nobody_else_may",
    ),
    fault(
        "plugin",
        CHECK,
        "models compiled again are told what a build knows",
        "test_only_what_no_circumstance_changes_is_answered",
        (
            f"{PACKAGE}/run/door.py",
            "session.is_compiling and name not in",
            "False and name not in",
        ),
        check="unit/test_door.py::test_only_what_no_circumstance_changes_is_answered_while_models_are_compiled_again",
    ),
    fault(
        "plugin",
        CANARIES,
        "the key is its own fingerprint",
        "the key in (published|target)/",
        (
            KEYS,
            'return self._derive(f"hipaa-mode/fingerprint/v1/{environment}")[:16].hex()',
            "return self._bytes.hex()",
        ),
    ),
    fault(
        "plugin",
        CHECK,
        "an error of the masking function quotes values",
        "test_a_missing_scope_is_an_error_that_quotes_no_value",
        (
            MASK,
            '"hipaa_mask was called without a scope. Give',
            'f"hipaa_mask was called on {values.to_pylist()} without a scope. Give',
        ),
        check="unit/test_masking.py::test_a_missing_scope_is_an_error_that_quotes_no_value",
    ),
    fault(
        "Python",
        CHECK,
        "an error about the key quotes it",
        "test_a_text_that_is_no_key_is_refused",
        (KEYS, "{source} is not a masking key", "{source} ({text}) is not a masking key"),
        check="unit/test_keys.py::test_a_text_that_is_no_key_is_refused",
    ),
    fault(
        "Python",
        CHECK,
        "a key file that others can read is taken",
        "test_a_key_file_that_others_can_open_is_refused",
        (KEYS, "stat.S_IMODE(mode) & 0o077", "stat.S_IMODE(mode) & 0"),
        check="unit/test_keys.py::test_a_key_file_that_others_can_open_is_refused",
    ),
    fault(
        "Python",
        CHECK,
        "a key of zeros is taken",
        "test_a_key_that_repeats_itself_is_refused",
        (KEYS, "    if _is_predictable(text.lower(), key):", "    if False:"),
        check="unit/test_keys.py::test_a_key_that_repeats_itself_is_refused",
    ),
    fault(
        "plugin",
        CHECK,
        "what a run writes can be read by others",
        "test_what_the_process_makes_is_private",
        (f"{PACKAGE}/run_end.py", "PRIVATE_UMASK = 0o077", "PRIVATE_UMASK = 0o022"),
        check="unit/test_plugin.py::test_what_the_process_makes_is_private",
    ),
    fault(
        "Python",
        CHECK,
        "lines that are not UTF-8 are lost",
        "raw lines are not all among the calls read",
        (
            f"{PACKAGE}/raw_calls.py",
            "pc.fill_null(is_blank, False)",
            "pc.fill_null(is_blank, True)",
        ),
        check="every line counted",
    ),
    fault(
        "Python",
        CHECK,
        "ids are looked for in one spelling only",
        "unit/test_raw_ids.py::test_one_spelling_stands_for_all",
        (f"{PACKAGE}/raw_ids.py", 'return f"{SCHEMA}.comparable({text})"', "return text"),
        check="unit/test_raw_ids.py::test_one_spelling_stands_for_all",
    ),
    fault(
        "Python",
        CHECK,
        "an id of one person's rows is taken for a coincidence",
        "unit/test_raw_ids.py::TestLeaks",
        (f"{PACKAGE}/raw_ids.py", "PEOPLE_PER_CALL = 10", "PEOPLE_PER_CALL = 0"),
        check="unit/test_raw_ids.py::TestLeaks",
    ),
    fault(
        "Python",
        CHECK,
        "a property has the scope of its destination in place of its own",
        "unit/test_scope_of_property.py::test_a_row_and_its_destination_say_the_scope",
        (
            f"{PACKAGE}/configuration.py",
            "if self.mask_scope == PROPERTY_SCOPE:",
            "if False:",
        ),
        check="unit/test_scope_of_property.py::test_a_row_and_its_destination_say_the_scope",
    ),
)
