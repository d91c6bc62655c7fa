package queue_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// The ways to reach a Redis besides a plain address. Each passes the suite or, if that adds nothing, runs a job.

func TestOnCluster(t *testing.T) {
	t.Parallel()
	cluster := queuetest.StartCluster(t)
	t.Run("suite", func(t *testing.T) {
		queuetest.Run(t, func(t *testing.T, o queue.Options) *queue.Client {
			o.URL = cluster.URL
			return open(t, o)
		})
	})
	t.Run("types in different slots", func(t *testing.T) {
		c := open(t, fastOptions(cluster.URL))
		for _, jobType := range []string{"comfyui", "openai", "replicate", "simulation"} {
			runOne(t, c, jobType)
		}
		jobs, _, err := c.List(t.Context(), queue.ListFilter{})
		require.NoError(t, err)
		require.Len(t, jobs, 4)
	})
}

func TestClusterFailsOverUnderLoad(t *testing.T) {
	t.Parallel()
	cluster := queuetest.StartCluster(t)
	workThrough(t, cluster.URL, 300, func(int) { cluster.FailOver() })
	// The last writes may be lost with a master that dies. The guarantee is only that work continues without
	// intervention.
	c := open(t, fastOptions(cluster.URL))
	runOne(t, c, "simulation")
	cluster.MasterOf("mq:{simulation}:ctl").Kill()
	require.Eventually(t, func() bool {
		_, err := c.Submit(t.Context(), queue.Submission{Type: "simulation"})
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	jobs, err := c.Claim(t.Context(), simWorker("m1"), 1, 30*time.Second)
	require.NoError(t, err)
	require.Len(t, jobs, 1)
	require.NoError(t, c.Complete(t.Context(), jobs[0].Lease, queue.Result{}))
}

// runOne submits, claims and completes a job.
func runOne(t *testing.T, c *queue.Client, jobType string) {
	t.Helper()
	w := simWorker("m1")
	w.Offer.Type = jobType
	j, err := c.Submit(t.Context(), queue.Submission{Type: jobType})
	require.NoError(t, err)
	got, err := c.Claim(t.Context(), w, 1, 0)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, j.ID, got[0].Job.ID)
	require.NoError(t, c.Complete(t.Context(), got[0].Lease, queue.Result{}))
}

func TestOnSentinel(t *testing.T) {
	t.Parallel()
	master := queuetest.StartRedis(t)
	host, port, err := net.SplitHostPort(master.Addr)
	require.NoError(t, err)
	replica := queuetest.StartRedis(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	sentinel := startSentinel(t, host, port)
	admin := redis.NewSentinelClient(&redis.Options{Addr: sentinel})
	defer func() { require.NoError(t, admin.Close()) }()
	require.Eventually(t, func() bool {
		replicas, err := admin.Replicas(t.Context(), "pool").Result()
		return err == nil && len(replicas) == 1 && replicas[0]["master-link-status"] == "ok"
	}, time.Minute, 50*time.Millisecond, "the sentinel sees the replica")
	c := open(t, fastOptions("redis://"+sentinel+"?master=pool"))
	runOne(t, c, "simulation")
	require.NoError(t, admin.Failover(t.Context(), "pool").Err())
	require.Eventually(t, func() bool {
		addr, err := admin.GetMasterAddrByName(t.Context(), "pool").Result()
		return err == nil && net.JoinHostPort(addr[0], addr[1]) == replica.Addr
	}, time.Minute, 50*time.Millisecond, "the replica takes over")
	require.Eventually(t, func() bool {
		_, err := c.Submit(t.Context(), queue.Submission{Type: "simulation"})
		return err == nil
	}, time.Minute, 20*time.Millisecond)
}

// startSentinel starts a single Sentinel that watches one master under the name "pool".
func startSentinel(t *testing.T, host, port string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	_, own, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(conf, []byte("port "+own+"\nbind 127.0.0.1\nsentinel monitor pool "+host+" "+port+" 1\n"), 0o600))
	cmd := exec.Command("redis-server", conf, "--sentinel")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed, so the status doesn't matter
	})
	return addr
}

// TestUnreachableInPlainWords checks that the error names the server and the fault, without texts of Go's libraries.
func TestUnreachableInPlainWords(t *testing.T) {
	for url, want := range map[string]string{
		"redis://127.0.0.1:1":   "the queue is not reachable: 127.0.0.1:1: connection refused",
		"redis://redis.invalid": `the queue is not reachable: the host "redis.invalid" is not known`,
	} {
		_, err := queue.Open(t.Context(), queue.Options{URL: url})
		require.ErrorIs(t, err, queue.ErrUnavailable)
		require.ErrorContains(t, err, want)
		require.NotRegexp(t, `dial tcp|lookup |connect:|\bEOF\b|tls: `, err.Error())
	}
}

func TestOverTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool := writeCertificate(t, cert, key)
	pair, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	config := &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server := queuetest.StartTLSRedis(t, config, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
	c := open(t, fastOptions(server.URL+"?ca="+cert+"&cert="+cert+"&key="+key))
	runOne(t, c, "simulation")
	_, err = queue.Open(t.Context(), queue.Options{URL: server.URL})
	require.ErrorIs(t, err, queue.ErrUnavailable)
	require.ErrorContains(t, err, "certificate")
	for url, problem := range map[string]string{
		server.URL + "?ca=" + key:             "holds no PEM certificate",
		server.URL + "?cert=" + cert:          "needs cert and key together",
		"redis://127.0.0.1:1?ca=" + cert:      "isn't rediss://",
		"redis://127.0.0.1:1?cluster=perhaps": "must be true or false",
		"redis://127.0.0.1:1/2?cluster=true":  "a cluster has only database 0",
	} {
		_, err = queue.Open(t.Context(), queue.Options{URL: url})
		require.ErrorContains(t, err, problem)
	}
}

func writeCertificate(t *testing.T, certFile, keyFile string) *x509.CertPool {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(certFile, certPEM, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600))
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(certPEM))
	return pool
}

// The least permissions that a user of Redis needs. The docs and the package documentation list the same.
func TestAsRestrictedUser(t *testing.T) {
	server := queuetest.StartRedis(t, "--user", "machines", "on", ">secret", "~mq:*", "&mq:*", "&mq:{*}:ev", "&machine:status",
		"+@all", "-@admin", "-@dangerous", "+info")
	c := open(t, fastOptions("redis://machines:secret@"+server.Addr))
	runOne(t, c, "simulation")
	_, err := c.Cancels(t.Context(), "m1")
	require.NoError(t, err)
	_, err = c.Watch(t.Context())
	require.NoError(t, err)
	_, err = c.WatchMachines(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.ReportMachine(t.Context(), queue.Machine{ID: "m1"}))
	require.NoError(t, c.Drain(t.Context(), "m1", "x", time.Minute))
	_, err = c.Reap(t.Context(), 10)
	require.NoError(t, err)
	_, err = c.Demand(t.Context())
	require.NoError(t, err)
	_, err = queue.Open(t.Context(), queue.Options{URL: "redis://machines:wrong@" + server.Addr})
	require.Error(t, err)
	_, err = queue.Open(t.Context(), queue.Options{URL: "redis://machines:secret@" + server.Addr, Prefix: "other"})
	require.ErrorContains(t, err, "NOPERM")
}
