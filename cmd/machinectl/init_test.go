package main

import (
	"os/exec"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/emprops/machinectl/devcluster"
)

// TestStarter applies what init writes, on the embedded cluster and on a real Nomad.
func TestStarter(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]devcluster.Options{"stand-in": {Embedded: true}, "nomad": {EmbeddedRedis: true}} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("nomad"); err != nil && !opts.Embedded {
				t.Skip("skipped: nomad is not on PATH")
			}
			t.Parallel()
			c := startCluster(t, opts)
			testscript.Run(t, testscript.Params{
				Dir: "testdata/starter", RequireExplicitExec: true, RequireUniqueNames: true, Cmds: commands(),
				Deadline: time.Now().Add(8 * time.Minute),
				Setup: func(env *testscript.Env) error {
					env.Setenv("MACHINECTL_VAR_redis", c.RedisURL())
					env.Setenv("MACHINECTL_VAR_blobs", "file://"+env.WorkDir+"/results")
					return useNamespace(env, c.NomadAddr())
				},
			})
		})
	}
}
