"""Non-interference by experiment: what is not allowlisted can't change what is published.

`messages` reads calls, `allowlist` reads the seeds, `twin` makes changed calls, `builds` builds
copies of the project over them, `compare` compares what was published, `run` does it all.

Nothing here uses the code it tests: `allowlist` and `messages` are a second implementation of
paths, precedence, expiry, canonical text and tokens, so that a fault in the first shows.
"""
