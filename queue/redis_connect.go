package queue

import "github.com/redis/go-redis/v9"

// Connect returns a client of the Redis that o names, for what other packages keep there beside the queue. It connects when
// it is first used and, unlike [Open], checks nothing. The caller closes it.
func Connect(o Options) (redis.UniversalClient, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	quiet()
	ro, err := redisOptions(o)
	if err != nil {
		return nil, err
	}
	return redis.NewUniversalClient(ro), nil
}

// Key returns the name of a key that belongs to no job type, for what other packages keep beside the queue: all of them lie in
// one slot of a cluster, so that a script or transaction may use several. An empty prefix is the default one.
func Key(prefix, name string) string {
	if prefix == "" {
		prefix = defaultPrefix
	}
	return keys{prefix}.shard(noType, name)
}
