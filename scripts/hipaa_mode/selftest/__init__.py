"""Non-interference by experiment: what is not allowlisted can't change what is published.

`messages` reads calls, `allowlist` reads the seeds, `twin` makes changed calls, `builds` builds
copies of the project over them, `compare` compares what was published, `run` does it all.

What may be seen is decided here a second time: paths, precedence, expiry, consent, canonical text
and tokens, so that a fault in the first shows. Which lines are calls, and whose, is read by the
queries of staging as `hipaa-mode verify` knows them.
"""
