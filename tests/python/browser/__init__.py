"""Pages, in Chromium and over HTTP."""
