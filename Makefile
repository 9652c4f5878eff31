# Every target works alone on a bare machine: the first one that needs it makes .venv, and nothing needs sudo.
# Another interpreter: make test PYTHON=/path/to/python3.12

VENV := .venv
BIN := $(VENV)/bin
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)

TORCH := torch==2.13.0
PEER_PACKAGES := keras==3.15.1 jax autograd \
	"tensorflow-cpu; sys_platform == 'linux'" "tensorflow; sys_platform != 'linux'"

ONNX_WRITERS := onnxscript onnxruntime tf2onnx transformers torchvision

.DEFAULT_GOAL := help
.PHONY: help demo test coverage test-slow test-simple test-torch test-gpu check docs docs-check bench interop keras-suite keras-scripts keras-hub
.PHONY: differential fuzz release-check web-runtime clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## train on the handwritten digits, and draw what ran
	@$(BIN)/python -m eagerflow demo

# Tests are shared out among processes, at most four: kernels have threads of their own.
SHARED := --numprocesses auto --maxprocesses 4 --dist worksteal
# They start hundreds of programs, which needn't compile our files each: byte code is kept, whatever the environment says.
test coverage test-slow test-simple docs docs-check: export PYTHONDONTWRITEBYTECODE :=

test: $(VENV)/.installed-dev ## the whole suite but its slow part
	$(BIN)/python -m pytest $(SHARED)

coverage: $(VENV)/.installed-dev ## the same, with the lines that no test ran (takes half as long again)
	$(BIN)/python -m pytest $(SHARED) --cov --cov-report=term

test-slow: $(VENV)/.installed-dev ## what takes seconds, some 15 minutes on two cores
	@$(BIN)/python -m pytest $(SHARED) --maxprocesses 2 -m "slow and not gpu"; status=$$?; \
	if [ $$status -eq 5 ]; then echo "no slow tests"; else exit $$status; fi

# What NumPy and OpenBLAS choose by processor is switched off; tests/test_processor.py looks whether it is.
SIMPLE := NPY_DISABLE_CPU_FEATURES="X86_V4 X86_V3 AVX512_ICL AVX512_SPR" OPENBLAS_CORETYPE=Nehalem EAGERFLOW_TEST_SIMPLE=1
NUMERIC := tests/test_processor.py tests/test_gradients.py tests/test_documentation.py tests/activations tests/base tests/core \
	tests/durability/test_same_bits.py tests/kernels tests/layer tests/layers tests/losses tests/metrics tests/ops tests/optimizers \
	tests/random tests/training

test-simple: $(VENV)/.installed-dev ## the numeric tests, as on a processor without AVX2 and AVX-512
	@$(SIMPLE) $(BIN)/python -m pytest -q $(SHARED) $(NUMERIC)

test-torch: $(if $(PEERS),,$(VENV)-torch/.installed) ## viz on PyTorch's programs (installs it once, or PEERS=/path/to/python has it and pytest)
	@$(or $(PEERS),$(VENV)-torch/bin/python) -m pytest $(SHARED) tests/viz/frameworks

test-gpu: $(VENV)/.installed-dev ## the device tests on CuPy and a real GPU; says so where there is none
	@$(BIN)/python -m tests.gpu

check: $(VENV)/.installed-dev ## lint, format and types, without changing a file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)-docs/.installed ## the documentation site in build/site/html; a warning, a dead link or an example that fails is an error
	@$(VENV)-docs/bin/python -m tools.site.build $(ARGS)

docs-check: $(VENV)-docs/.installed ## look at the built site in Chromium: every kind of page and a hundred by lot, searches; ARGS=--all for every page
	@$(VENV)-docs/bin/python -m tools.site.check $(ARGS)

bench: $(if $(PEERS),,$(VENV)-peers/.installed) ## compare with other frameworks (installs them once, or PEERS=/path/to/python has them); writes docs/benchmarks.md
	@$(or $(PEERS),$(VENV)-peers/bin/python) -m benchmarks --also all --write docs --json build/bench.json $(ARGS)

interop: $(VENV)/.installed-dev $(VENV)-keras/.installed $(if $(PEERS),,$(VENV)-peers/.installed-onnx) ## exchange files with real Keras, both ways, and ONNX files with others; explanations beside Captum's (installs them once)
	@$(BIN)/python tools/interop.py $(VENV)-keras/bin/python
	@$(VENV)-keras/bin/python tools/interop_applications.py
	@$(BIN)/python tools/interop_onnx.py
	@$(BIN)/python tools/interop_loaded.py $(or $(PEERS),$(VENV)-peers/bin/python)
	@$(or $(PEERS),$(VENV)-peers/bin/python) tools/interop_explain.py

keras-suite: $(if $(PEERS),,$(VENV)-peers/.installed-suite) ## the tests that come with Keras, on PyTorch's backend and ours (an hour and more; results are kept); ARGS="--run eagerflow"
	@python=$$(realpath -s $(or $(PEERS),$(VENV)-peers/bin/python)); $$python -m tools.keras_suite --python $$python $(ARGS)

keras-scripts: $(VENV)/.installed-dev ## the examples on Keras itself with our backend; SCRIPTS=folder for those of a folder instead
	@$(if $(SCRIPTS),KERAS_SCRIPTS=$(realpath $(SCRIPTS))) $(BIN)/python -m pytest -q -m slow tests/keras_backend/test_scripts.py $(if $(SCRIPTS),-k a_script_runs)

keras-hub: $(VENV)-hub/.installed ## language models of KerasHub on our backend: Hugging Face's layout, generated text, the guide (installs KerasHub and PyTorch once)
	@$(VENV)-hub/bin/python -m pytest -q tests/keras_backend/test_keras_hub.py

differential: $(if $(PEERS),,$(VENV)-peers/.installed) ## random programs, layers and models, here and in PyTorch and Keras (installs them once); ARGS="--programs 20000 --seed 7"
	@$(or $(PEERS),$(VENV)-peers/bin/python) -m tools.differential $(ARGS)

fuzz: $(VENV)/.installed-dev ## spoil files for ten minutes and look at what their readers do
	@$(BIN)/python -m tests.hostile.fuzz

release-check: $(VENV)-release/.installed ## build wheel and source, check both, install and use them in fresh environments; uploads nothing
	@$(VENV)-release/bin/python -m tools.release_check $(ARGS)

web-runtime: $(VENV)/.installed-dev ## fetch the onnxruntime-web that pages run, by npm; ARGS="1.31.0 sha512-..." for another version
	@$(BIN)/python tools/web_runtime.py $(ARGS)

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) $(VENV)-docs $(VENV)-hub $(VENV)-keras $(VENV)-peers $(VENV)-release $(VENV)-torch build dist
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

# The environment, in two steps: the demo does not wait for the tools of the tests. Both follow pyproject.toml.
# Several makes may run at once: ALONE, behind a Python, runs a command while no other does. The lock goes with the process.
ALONE := -c 'import fcntl, subprocess, sys; lock = open("pyproject.toml"); fcntl.flock(lock, fcntl.LOCK_EX); \
	sys.exit(subprocess.call(sys.argv[1], shell=True))'

$(VENV)/.installed: pyproject.toml | $(BIN)/pip
	@echo "Installing eagerflow into $(VENV) (once, about a minute)"
	@$(BIN)/python $(ALONE) "$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ."
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the tools of the tests into $(VENV) (once, a minute or two)"
	@$(BIN)/python $(ALONE) "$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,dev]'"
	@touch $@

$(VENV)-keras/.installed: | $(BIN)/pip
	@echo "Installing Keras, JAX and TensorFlow (for layers that take text) into $(VENV)-keras (once, some minutes)"
	@$(BIN)/python -m venv $(VENV)-keras
	@$(VENV)-keras/bin/python -m pip install --quiet --disable-pip-version-check keras==3.15.1 jax h5py \
		"tensorflow-cpu; sys_platform == 'linux'" "tensorflow; sys_platform != 'linux'"
	@touch $@

$(VENV)-release/.installed: | $(BIN)/pip
	@$(BIN)/python -m venv $(VENV)-release
	@$(VENV)-release/bin/python -m pip install --quiet --disable-pip-version-check build twine check-wheel-contents
	@touch $@

$(VENV)-docs/.installed: pyproject.toml | $(BIN)/pip
	@echo "Installing Sphinx and what examples on pages need into $(VENV)-docs (once, a minute or two)"
	@$(BIN)/python -m venv $(VENV)-docs
	@$(BIN)/python $(ALONE) "$(VENV)-docs/bin/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'"
	@touch $@

$(VENV)-torch/.installed: pyproject.toml | $(BIN)/pip
	@echo "Installing PyTorch and the tools of the tests into $(VENV)-torch (once, some minutes)"
	@$(BIN)/python -m venv $(VENV)-torch
	@$(VENV)-torch/bin/python -m pip install --quiet --disable-pip-version-check --retries 0 \
		--index-url https://download.pytorch.org/whl/cpu $(TORCH) 2>/dev/null || true  # where packages come from has it, too
	@$(BIN)/python $(ALONE) "$(VENV)-torch/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]' $(TORCH)"
	@touch $@

$(VENV)-peers/.installed: | $(BIN)/pip
	@echo "Installing PyTorch, Keras, JAX and TensorFlow into $(VENV)-peers (once, some minutes and 2 GB)"
	@$(BIN)/python -m venv $(VENV)-peers
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check --retries 0 \
		--index-url https://download.pytorch.org/whl/cpu $(TORCH) 2>/dev/null || \
		echo "Its build without CUDA can't be reached: taking PyTorch from where packages come from here"
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check -e . $(TORCH) $(PEER_PACKAGES)
	@touch $@

$(VENV)-peers/.installed-suite: $(VENV)-peers/.installed
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check pytest pytest-timeout
	@touch $@

# KerasHub itself would bring TensorFlow, for tokenizers that its tests here don't use.
$(VENV)-hub/.installed: pyproject.toml | $(BIN)/pip
	@echo "Installing KerasHub and PyTorch into $(VENV)-hub (once, some minutes)"
	@$(BIN)/python -m venv $(VENV)-hub
	@$(VENV)-hub/bin/python -m pip install --quiet --disable-pip-version-check -e '.[keras,plot,safetensors]' \
		$(TORCH) absl-py grain hypothesis kagglehub packaging pytest regex rich sentencepiece tokenizers
	@$(VENV)-hub/bin/python -m pip install --quiet --disable-pip-version-check --no-deps keras-hub
	@touch $@

$(VENV)-peers/.installed-onnx: $(VENV)-peers/.installed
	@echo "Installing what writes ONNX files into $(VENV)-peers (once)"
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check --retries 0 \
		--index-url https://download.pytorch.org/whl/cpu $(TORCH) torchvision 2>/dev/null || true  # of the same build
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH) $(ONNX_WRITERS)
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps captum
	@$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check matplotlib tqdm packaging
	@touch $@

# The newest Python that runs, is new enough and can make environments. pip is the last thing that venv writes.
$(BIN)/pip:
	@for python in $(CANDIDATES); do \
		$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		exec $$python $(ALONE) "test -e $@ || $$python -m venv $(VENV)"; \
	done; \
	echo "eagerflow needs Python 3.11 or newer with its venv module; tried: $(CANDIDATES)." >&2; \
	echo "On Debian and Ubuntu: apt install python3-venv. Elsewhere: https://www.python.org/downloads/" >&2; \
	echo "Or name an interpreter: make PYTHON=/path/to/python3.12" >&2; \
	exit 1
