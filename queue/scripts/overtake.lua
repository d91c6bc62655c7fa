-- overtake prevents a later submission under the id that an idempotency key refers to, unless that job already exists.
-- KEYS: jobs idem taken
-- ARGV: "<tenant>\t<key>", the id, ms for which the id stays rejected
-- Returns: the id of the key's existing job, or ""
local earlier = redis.call("HGET", idem, ARGV[1])
if earlier and redis.call("HEXISTS", jobs, earlier) == 1 then return earlier end
if redis.call("HEXISTS", jobs, ARGV[2]) == 1 then return ARGV[2] end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("ZREMRANGEBYSCORE", taken, "-inf", string.format("%d", now))
redis.call("ZADD", taken, string.format("%d", now + ARGV[3]), ARGV[2])
return ""
