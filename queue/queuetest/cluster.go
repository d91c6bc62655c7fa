package queuetest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Cluster is a test's real Redis Cluster: three masters, each with one replica.
type Cluster struct {
	URL   string // of all six nodes
	Nodes []*Redis
	t     testing.TB
}

// clusterSlots is the number of slots in a Redis Cluster.
const clusterSlots = 16384

// StartCluster starts a cluster and waits until it serves all slots. It skips the test if there is no redis-server.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	var urls []string
	for range 6 {
		_, bus, err := net.SplitHostPort(freeAddr(t))
		require.NoError(t, err)
		n := StartRedis(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", bus,
			"--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0")
		c.Nodes, urls = append(c.Nodes, n), append(urls, n.URL)
		c.meet(n, bus)
	}
	c.URL = strings.Join(urls, ",")
	for i := range 3 {
		c.do(i, "CLUSTER", "ADDSLOTSRANGE", i*clusterSlots/3, (i+1)*clusterSlots/3-1)
	}
	for i := range 3 {
		id := fmt.Sprint(c.do(i, "CLUSTER", "MYID"))
		require.Eventually(t, func() bool { return c.try(3+i, "CLUSTER", "REPLICATE", id) == nil }, 15*time.Second, 50*time.Millisecond, "node %d knows its master", 3+i)
	}
	c.WaitUntilUp()
	return c
}

// meet introduces a node to the first one.
func (c *Cluster) meet(n *Redis, bus string) {
	host, port, err := net.SplitHostPort(n.Addr)
	require.NoError(c.t, err)
	if len(c.Nodes) > 1 {
		c.do(0, "CLUSTER", "MEET", host, port, bus)
	}
}

// WaitUntilUp waits until every live node reports the cluster as complete, and each master has a replica in sync.
func (c *Cluster) WaitUntilUp() {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		inStep := 0
		for i := range c.Nodes {
			info, err := c.ask(i, "CLUSTER", "INFO")
			if err != nil || !strings.Contains(fmt.Sprint(info), "cluster_state:ok") || !strings.Contains(fmt.Sprint(info), "cluster_known_nodes:6") {
				return false
			}
			repl, err := c.ask(i, "INFO", "replication")
			if err == nil && strings.Contains(fmt.Sprint(repl), "master_link_status:up") {
				inStep++
			}
		}
		return inStep == 3
	}, 20*time.Second, 50*time.Millisecond, "the cluster to be whole")
}

// FailOver makes every replica replace its master, without losing a write, and waits until all have.
func (c *Cluster) FailOver() {
	c.t.Helper()
	var replicas []int
	for i := range c.Nodes {
		if role, err := c.ask(i, "ROLE"); err == nil && strings.Contains(fmt.Sprint(role), "slave") {
			replicas = append(replicas, i)
		}
	}
	for _, i := range replicas {
		asked := time.Time{}
		require.Eventually(c.t, func() bool {
			if role, err := c.ask(i, "ROLE"); err == nil && strings.Contains(fmt.Sprint(role), "master") {
				return true
			}
			if time.Since(asked) > 2*time.Second { // an attempt fails if the other nodes' votes are late
				asked = time.Now()
				_ = c.try(i, "CLUSTER", "FAILOVER") // rejected during the previous attempt
			}
			return false
		}, 20*time.Second, 20*time.Millisecond, "node %d to become master", i)
	}
	c.WaitUntilUp()
}

// MasterOf returns the node that serves a key's slot.
func (c *Cluster) MasterOf(key string) *Redis {
	c.t.Helper()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{c.Nodes[0].Addr}})
	defer func() { _ = client.Close() }()
	master, err := client.MasterForKey(context.Background(), key)
	require.NoError(c.t, err)
	for _, n := range c.Nodes {
		if n.Addr == master.Options().Addr {
			return n
		}
	}
	c.t.Fatalf("no node at %s", master.Options().Addr)
	return nil
}

func (c *Cluster) do(node int, args ...any) any {
	c.t.Helper()
	v, err := c.ask(node, args...)
	require.NoError(c.t, err)
	return v
}

func (c *Cluster) try(node int, args ...any) error {
	_, err := c.ask(node, args...)
	return err
}

func (c *Cluster) ask(node int, args ...any) (any, error) {
	client := redis.NewClient(&redis.Options{Addr: c.Nodes[node].Addr, MaxRetries: -1, DisableIdentity: true})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return client.Do(ctx, args...).Result()
}
