package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

func environmentBehaviours() []behaviour {
	return []behaviour{
		{"a task sees its own names and place", identityEnv},
		{"a task sees every port of its group", portEnv},
		{"driver config is an HCL template with escapes", configTemplate},
		{"environment values are interpolated, unknown names are left as they are", envInterpolation},
		{"a template with custom delimiters is written literally", literalTemplate},
		{"a template reads Nomad variables, and waits for a missing one", variableTemplate},
		{"a template can set environment variables", envTemplate},
		{"an artifact is fetched before the task starts", artifact},
		{"logs of both streams can be read", taskLogs},
		{"the Task API requires the identity's token", taskAPI},
	}
}

// env runs a job and returns the environment of its task "main".
func (l *lab) env(j *api.Job) map[string]string {
	l.Helper()
	for _, t := range j.TaskGroups[0].Tasks {
		if t.Name == "main" {
			t.Config = map[string]any{"command": "/bin/sh", "args": []string{"-c", fmt.Sprintf("env -0 > %[1]s.part; mv %[1]s.part %[1]s; exec sleep 1000", l.path("env"))}}
		}
	}
	l.up(j, 1)
	l.until("the environment", func() bool { return len(l.lines("env")) > 0 })
	out := map[string]string{}
	for _, kv := range strings.Split(l.file("env"), "\x00") {
		k, v, _ := strings.Cut(kv, "=")
		out[k] = v
	}
	return out
}

func identityEnv(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Meta = map[string]string{"some-key": "v"}
	env := l.env(j)
	id := l.running()["g0[0]"]
	want := map[string]string{
		"NOMAD_ALLOC_ID": id, "NOMAD_SHORT_ALLOC_ID": id[:8], "NOMAD_ALLOC_INDEX": "0", "NOMAD_ALLOC_NAME": l.id + ".g0[0]",
		"NOMAD_JOB_ID": l.id, "NOMAD_JOB_NAME": l.id, "NOMAD_GROUP_NAME": "g0", "NOMAD_TASK_NAME": "main", "NOMAD_NAMESPACE": "default",
		"NOMAD_REGION": "global", "NOMAD_DC": "dc1", "NOMAD_CPU_LIMIT": "20", "NOMAD_MEMORY_LIMIT": "20",
		"NOMAD_META_some_key": "v", "NOMAD_META_SOME_KEY": "v",
	}
	for k, v := range want {
		require.Equal(l, v, env[k], k)
	}
	require.True(l, strings.HasSuffix(env["NOMAD_TASK_DIR"], "/main/local"))
	require.True(l, strings.HasSuffix(env["NOMAD_SECRETS_DIR"], "/main/secrets"))
	require.True(l, strings.HasSuffix(env["NOMAD_ALLOC_DIR"], "/alloc"))
	require.True(l, strings.HasSuffix(env["PWD"], "/main"))
	require.NotContains(l, env, "NOMAD_TOKEN")
	require.NotContains(l, env, "NOMAD_UNIX_ADDR")
	require.NotEmpty(l, env["PATH"])
}

func portEnv(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Networks = []*api.NetworkResource{{DynamicPorts: []api.Port{{Label: "comfyui_gpu0"}, {Label: "agent"}}}}
	j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, sleeper("other"))
	env := l.env(j)
	ports := l.alloc(l.running()["g0[0]"]).AllocatedResources.Shared.Ports
	require.Len(l, ports, 2)
	require.NotEqual(l, ports[0].Value, ports[1].Value)
	for _, p := range ports {
		require.Equal(l, fmt.Sprint(p.Value), env["NOMAD_PORT_"+p.Label])
		require.Equal(l, "127.0.0.1", env["NOMAD_IP_"+p.Label])
		require.Equal(l, fmt.Sprintf("127.0.0.1:%d", p.Value), env["NOMAD_ADDR_"+p.Label])
		require.Equal(l, fmt.Sprint(p.Value), env["NOMAD_HOST_PORT_"+p.Label])
	}
}

func configTemplate(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0].Config = map[string]any{"command": "/bin/sh", "args": []string{
		"-c", fmt.Sprintf(`printf '%%s\n' "$@" > %s; exec sleep 1000`, l.path("args")), "sh",
		"$${NOT_MINE}", "%%{ if }", "${NOMAD_ALLOC_INDEX}", "a ${NOMAD_GROUP_NAME} b", "$HOME {} %d \\n \"q\"", "${env[\"NOMAD_JOB_ID\"]}",
	}}
	l.up(j, 1)
	l.until("the arguments", func() bool { return len(l.lines("args")) > 5 })
	require.Equal(l, []string{"${NOT_MINE}", "%{ if }", "0", "a g0 b", "$HOME {} %d \\n \"q\"", l.id}, strings.Split(strings.TrimSpace(l.file("args")), "\n"))
}

func envInterpolation(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Networks = []*api.NetworkResource{{DynamicPorts: []api.Port{{Label: "http"}}}}
	j.TaskGroups[0].Tasks[0].Env = map[string]string{
		"A": "x-${NOMAD_ALLOC_INDEX}-${NOMAD_PORT_http}", "B": "${NO_SUCH_THING}", "C": "%{ if } $plain", "D": "${node.unique.name}",
	}
	env := l.env(j)
	require.Equal(l, "x-0-"+env["NOMAD_PORT_http"], env["A"])
	require.Equal(l, "${NO_SUCH_THING}", env["B"])
	require.Equal(l, "%{ if } $plain", env["C"])
	require.Equal(l, l.node().Name, env["D"])
}

func (l *lab) templated(tmpl *api.Template) *api.Job {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0] = shell("main", fmt.Sprintf("cp ${NOMAD_TASK_DIR}/out %[1]s.part; mv %[1]s.part %[1]s; exec sleep 1000", l.path("out")))
	tmpl.DestPath, tmpl.ChangeMode = ptr("local/out"), ptr("noop")
	j.TaskGroups[0].Tasks[0].Templates = []*api.Template{tmpl}
	return j
}

func literalTemplate(l *lab) {
	text := "{\"a\": \"{{ not mine }} ${NOMAD_ALLOC_ID} %{ if } [[ no ]] \\n\"}\n"
	l.up(l.templated(&api.Template{EmbeddedTmpl: &text, LeftDelim: ptr("<<<<machinectl"), RightDelim: ptr("machinectl>>>>")}), 1)
	l.until("the file", func() bool { return len(l.lines("out")) > 0 })
	require.Equal(l, text, l.file("out"))
}

func variableTemplate(l *lab) {
	path := "nomad/jobs/" + l.id
	text := `[[ with nomadVar "` + path + `" ]]key=[[ .api_key ]] [[ (index . "odd-key").Value | toJSON ]] [[ .api_key.Value | toJSON ]][[ end ]]`
	l.register(l.templated(&api.Template{EmbeddedTmpl: &text, LeftDelim: ptr("[["), RightDelim: ptr("]]")}))
	l.until("an allocation", func() bool { return len(l.live()) == 1 })
	require.Empty(l, l.running())
	_, _, err := l.client.Variables().Create(&api.Variable{Path: path, Items: api.VariableItems{"api_key": "s3cret", "odd-key": "a\"b"}}, nil)
	require.NoError(l, err)
	l.Cleanup(func() { _, err := l.client.Variables().Delete(path, nil); require.NoError(l, err) })
	l.awaitRunning(1)
	l.until("the file", func() bool { return len(l.lines("out")) > 0 })
	require.Equal(l, `key=s3cret "a\"b" "s3cret"`, l.file("out"))
}

func envTemplate(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0].Templates = []*api.Template{{
		EmbeddedTmpl: ptr("# comment\nFROM_TEMPLATE=\"a b\"\nOTHER=1\n"), DestPath: ptr("secrets/env"), Envvars: ptr(true), ChangeMode: ptr("noop"),
	}}
	env := l.env(j)
	require.Equal(l, "a b", env["FROM_TEMPLATE"])
	require.Equal(l, "1", env["OTHER"])
}

func artifact(l *lab) {
	srv := http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, "#!/bin/sh\necho fetched > "+l.path("out")+"\nexec sleep 1000\n")
		require.NoError(l, err)
	})}
	url := l.serve(&srv)
	j := l.job(1)
	j.TaskGroups[0].Tasks[0].Artifacts = []*api.TaskArtifact{{GetterSource: ptr(url + "/tool"), RelativeDest: ptr("local/tool"), GetterMode: ptr("file")}}
	j.TaskGroups[0].Tasks[0].Config = map[string]any{"command": "/bin/sh", "args": []string{"local/tool"}}
	l.up(j, 1)
	l.until("the fetched script to run", func() bool { return len(l.lines("out")) == 1 })
}

func taskLogs(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0] = shell("main", "echo to-stdout; echo to-stderr >&2; exec sleep 1000")
	a := l.alloc(l.up(j, 1)["g0[0]"])
	read := func(stream string) string {
		stop := make(chan struct{})
		defer close(stop)
		frames, errs := l.client.AllocFS().Logs(a, false, "main", stream, "start", 0, stop, nil)
		var b bytes.Buffer
		for {
			select {
			case f, ok := <-frames:
				if !ok {
					return b.String()
				}
				b.Write(f.Data)
			case err := <-errs:
				require.NoError(l, err)
			}
		}
	}
	l.until("the logs", func() bool { return read("stdout") == "to-stdout\n" && read("stderr") == "to-stderr\n" })
	_, errs := l.client.AllocFS().Logs(a, false, "nope", "stdout", "start", 0, nil, nil)
	require.Error(l, <-errs)
}

func taskAPI(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0].Identity = &api.WorkloadIdentity{Env: true, File: true}
	j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, shell("other", l.withPid("other")))
	env := l.env(j)
	require.NotEmpty(l, env["NOMAD_TOKEN"])
	require.True(l, strings.HasPrefix(env["NOMAD_UNIX_ADDR"], "unix:///"), env["NOMAD_UNIX_ADDR"])
	l.pid("other")
	bare, err := api.NewClient(&api.Config{Address: env["NOMAD_UNIX_ADDR"]})
	require.NoError(l, err)
	_, err = bare.Status().Leader()
	requireCode(l, 401, err, "Unauthorized")
	client, err := api.NewClient(&api.Config{Address: env["NOMAD_UNIX_ADDR"], SecretID: env["NOMAD_TOKEN"]})
	require.NoError(l, err)
	a, _, err := client.Allocations().Info(env["NOMAD_ALLOC_ID"], nil)
	require.NoError(l, err)
	require.NoError(l, client.Allocations().Restart(a, "other", nil))
	l.until("the other task to be started again", func() bool { return len(l.lines("other")) == 2 })
}
