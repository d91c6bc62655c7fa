-- requeue returns a failed, dead or cancelled job to the queue with fresh attempts, at its original order.
-- KEYS: ctl jobs meta waiting chead heads aud cls classes idle delayed deadlines leases ended dead counts held hooks
-- MORE KEYS: the job's details
-- LIBS: record index ending
-- ARGV: job id
-- Returns: "missing", "completed", "active" or {"ok", worker to wake or nothing}
ending()
local id = ARGV[1]
local r = read(id)
if not r then return "missing" end
if r[STATE] == "c" then return "completed" end
if r[STATE] ~= "f" and r[STATE] ~= "x" and r[STATE] ~= "k" then return "active" end
redis.call("ZREM", ended, id)
redis.call("ZREM", dead, id)
redis.call("HDEL", KEYS[more + 1], "error", "progress")
r[ATTEMPTS], r[LOST], r[ENDED], r[DEADLINE], r[NONCE], r[EXCLUDED], r[REASON] = 0, 0, 0, 0, "", "", ""
local url = tonumber(r[HAS]) >= 8 and cjson.decode(redis.call("HGET", meta, id) or "{}").w
if url then redis.call("HSET", hooks, id, url) end
local woken = back(id, r, 0, "requeued")
write(id, r)
settle()
return { "ok", woken }
