# machinectl: `make help` lists the targets.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
GO          ?= go
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS     := -s -w -X main.version=$(VERSION)
# NVML's header marks functions deprecated that go-nvml wraps all the same.
export CGO_CFLAGS ?= -O2 -g -Wno-deprecated-declarations
BINARIES    := machinectl machine-agent machine-dispatcher machine-sim nomad-device-simgpu
TOOLS       := bin/gotestsum bin/golangci-lint bin/oapi-codegen
# Tests start programs that have the race detector in them: these needn't sleep for a second at their end.
export GORACE ?= atexit_sleep_ms=0
# Tests mostly wait: more packages at once than there are processors, where these are few.
PACKAGES_AT_ONCE := $(shell n=$$(nproc 2>/dev/null || echo 4); echo $$((n < 4 ? 4 : n)))
# Packages are tested with the race detector where cgo is there to carry it.
RACE        := $(shell [ "$$($(GO) env CGO_ENABLED)" = 1 ] && command -v "$$($(GO) env CC)" >/dev/null && echo -race)

.DEFAULT_GOAL := help
.PHONY: help build demo dev test e2e lint bench fmt generate clean $(BINARIES)

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[1m%-8s\033[0m %s\n", $$1, $$2}'

build: $(BINARIES) ## Build the five programs into bin/

machinectl:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/$@ ./cmd/machinectl
machine-agent:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/$@ ./cmd/agent
machine-dispatcher:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/$@ ./cmd/dispatcher
machine-sim:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/$@ ./cmd/sim
nomad-device-simgpu:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/$@ ./cmd/simgpu

demo: build ## Run the whole path on this machine, end to end, and stop everything again
	$(GO) run ./cmd/demo

dev: build ## The same stack, staying up; prints its URLs
	bin/machinectl dev

test: bin/gotestsum ## Run every test that this machine can; names what was skipped and why
	bin/gotestsum --format pkgname --format-hide-empty-pkg -- $(RACE) -p $(PACKAGES_AT_ONCE) -timeout 15m ./...

e2e: build bin/gotestsum ## Run the end-to-end suite against the nomad and redis-server on PATH
	@command -v nomad >/dev/null || { echo "make e2e needs nomad on PATH"; exit 1; }
	@command -v redis-server >/dev/null || { echo "make e2e needs redis-server on PATH"; exit 1; }
	bin/gotestsum --format testname -- -tags e2e -count 1 -timeout 20m ./e2e/...

lint: bin/golangci-lint ## Lint, with the import walls
	bin/golangci-lint run
	cd bench && ../bin/golangci-lint run -c ../.golangci.yml

bench: ## Measure queue and compiler against goals and peers (own module; needs redis-server, and nomad for one row)
	$(GO) -C bench run .

fmt: bin/golangci-lint ## Format the code
	bin/golangci-lint fmt

generate: bin/oapi-codegen ## Make the API's Go code of dispatcher/api/openapi.yaml
	cd client && ../bin/oapi-codegen -config oapi-codegen.yaml -o client_gen.go ../dispatcher/api/openapi.yaml
	cd dispatcher/api/wire && ../../../bin/oapi-codegen -config oapi-codegen.yaml -o server_gen.go ../openapi.yaml

clean: ## Remove what was built
	rm -rf bin

bin/gotestsum: .ci/tools/go.mod
	$(GO) -C .ci/tools build -o ../../$@ gotest.tools/gotestsum
bin/golangci-lint: .ci/tools/go.mod
	$(GO) -C .ci/tools build -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
bin/oapi-codegen: .ci/tools/go.mod
	$(GO) -C .ci/tools build -o ../../$@ github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen
