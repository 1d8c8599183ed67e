"""The table of faults."""

from __future__ import annotations

import faults_configuration
import faults_consent
import faults_edits
import faults_folders
import faults_latest
import faults_lock
import faults_masking
import faults_project
import faults_publishing
import faults_python
import faults_raw
import faults_views
from fault import Fault

FAULTS: tuple[Fault, ...] = (
    *faults_masking.FAULTS,
    *faults_views.FAULTS,
    *faults_latest.FAULTS,
    *faults_consent.FAULTS,
    *faults_project.FAULTS,
    *faults_configuration.FAULTS,
    *faults_edits.FAULTS,
    *faults_python.FAULTS,
    *faults_lock.FAULTS,
    *faults_publishing.FAULTS,
    *faults_folders.FAULTS,
    *faults_raw.FAULTS,
)
