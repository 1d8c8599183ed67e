# Short names for scripts/run.py, for those who have make.
.PHONY: setup demo test lock

setup demo test:
	python3 scripts/run.py $@

# Writes requirements.lock anew from pyproject.toml, for every supported Python; needs uv.
lock:
	uv pip compile pyproject.toml requirements-build.in --extra test --extra postgres --extra spark --universal --python-version 3.10 \
		--generate-hashes --no-header --no-annotate --no-strip-extras --no-emit-index-url --output-file requirements.lock
