"""The configuration screens of a HIPAA mode, as web pages on this machine."""
