"""Whether a fault was caught by the layer that should catch it, and for the right reason."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fault import Fault


def reason(fault: Fault, layer: str, found: Sequence[str]) -> tuple[str, str]:
    """Return the line that tells the fault, and what is wrong with how it was caught, if so."""
    said = next((line for line in found if re.search(fault.expects, line)), "")
    if layer != fault.layer:
        return said, f"{layer or 'no layer'} caught it, and not {fault.layer}: {list(found[:6])}"
    if not said:
        return "", f"{layer} does not say {fault.expects!r} but {list(found[:6])}"
    return said, ""
