package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// bullmqSetting is one way to run BullMQ.
type bullmqSetting struct {
	Processes   int `json:"processes"`
	Concurrency int `json:"concurrency"` // per process
	Bulk        int `json:"bulk"`        // jobs per addBulk
}

// bullmqSettings lists the settings worth measuring: 1 × 20, 1 × 100 and 2 × 200 were no faster.
var bullmqSettings = []bullmqSetting{{1, 50, 500}, {1, 200, 1_000}, {2, 50, 500}}

func (s bullmqSetting) name() string {
	return fmt.Sprintf("BullMQ %d × %d", s.Processes, s.Concurrency)
}

// bullmq is the program bullmq/peer.mjs and its requirements, or the reason why it can't run.
type bullmq struct {
	dir     string
	missing string
}

// findBullMQ finds node and installs the packages in the lock file if they are missing.
func findBullMQ(ctx context.Context, e *env) *bullmq {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return &bullmq{missing: program + " is not on PATH"}
		}
	}
	if _, err := os.Stat(filepath.Join(e.BullMQ, "peer.mjs")); err != nil {
		return &bullmq{missing: "peer.mjs is not in " + e.BullMQ + ": run in bench/ or set -bullmq"}
	}
	b := &bullmq{dir: e.BullMQ}
	if _, err := os.Stat(filepath.Join(b.dir, "node_modules", "bullmq")); err == nil {
		return b
	}
	e.progress("throughput: installing BullMQ with npm")
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if _, err := b.output(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		b.missing = "npm ci: " + firstLine(err.Error())
	}
	return b
}

func (b *bullmq) names() []string {
	var names []string
	for _, s := range bullmqSettings {
		names = append(names, s.name(), s.name()+bulking)
	}
	return names
}

func (b *bullmq) participants(e *env) []participant {
	if b.missing != "" {
		return nil
	}
	var all []participant
	for _, s := range bullmqSettings {
		all = append(all, participant{s.name(), func(ctx context.Context, n int) (rates, error) { return b.run(ctx, e, s, n) }})
	}
	return all
}

func (b *bullmq) run(ctx context.Context, e *env, s bullmqSetting, n int) (rates, error) {
	order, err := json.Marshal(struct {
		bullmqSetting
		Port    int    `json:"port"`
		Jobs    int    `json:"jobs"`
		Payload string `json:"payload"`
	}{s, e.redis.port, n, string(payload(payloadSize))})
	if err != nil {
		return rates{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	out, err := b.output(ctx, "node", "peer.mjs", string(order))
	if err != nil {
		return rates{}, err
	}
	var answer struct {
		Add   float64 `json:"add_seconds"`
		Drain float64 `json:"drain_seconds"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return rates{}, fmt.Errorf("peer.mjs printed %q: %w", out, err)
	}
	if answer.Add <= 0 || answer.Drain <= 0 {
		return rates{}, fmt.Errorf("peer.mjs printed %q: times must be positive", out)
	}
	return rates{bulk: float64(n) / answer.Add, jobs: float64(n) / answer.Drain}, nil
}

// output runs a program in the folder of peer.mjs. The error includes the program's output.
func (b *bullmq) output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.WaitDelay = b.dir, 5*time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.New(strings.TrimSpace(err.Error() + ": " + stderr.String()))
	}
	return out, nil
}
