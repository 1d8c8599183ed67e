# Short names for scripts/run.py, for those who have make.
.PHONY: setup demo test lock

COMPILE = uv pip compile --universal --python-version 3.10 --generate-hashes --no-header --no-annotate \
	--no-strip-extras --no-emit-index-url

setup demo test:
	python3 scripts/run.py $@

# Writes the lock files anew from pyproject.toml, for every supported Python; needs uv.
lock:
	$(COMPILE) pyproject.toml requirements-build.in --extra test --extra postgres --output-file requirements.lock
	$(COMPILE) requirements-spark.in --no-deps --output-file requirements-spark.lock
