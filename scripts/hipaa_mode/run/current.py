"""The session of the run that is at work in this process.

The dbt plugin answers macros from it, and the dbt-duckdb plugin masks with it: neither makes the
other, and a command may use only one of them.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hipaa_mode.run.session import Session

_session: Session | None = None
_making = threading.Lock()


def session() -> Session:
    """Return the session; the first who asks for it makes it."""
    global _session
    from hipaa_mode import run_end
    from hipaa_mode.run.session import Session

    with _making:
        if _session is None:
            _session = Session(os.environ)
            run_end.watch()
        return _session


def use(session: Session) -> None:
    """Make a session the one of this process: that of the plugin of a database's connections."""
    global _session
    _session = session


def forget() -> None:
    """Forget the session of a run that has ended: a later run reads everything again."""
    global _session
    if _session is not None:
        _session.leave_engine()
    _session = None
