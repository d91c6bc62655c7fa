-- leave removes a worker from idle when it stops waiting. If a wake-up has already removed it, leave hands that wake-up on.
-- KEYS: ctl jobs waiting chead heads aud cls classes idle
-- MORE KEYS: the worker's wake list
-- LIBS: record index
-- ARGV: machine, worker, profile, index in 6 digits
-- Returns: {worker to wake instead or nothing}
indexing()
local machine, worker, profile, index = unpack(ARGV)
redis.call("DEL", KEYS[more + 1])
if redis.call("ZREM", idle, profile .. ":" .. index .. ":" .. machine .. "/" .. worker) == 1 then return {} end
for _, a in ipairs(redis.call("ZRANGE", heads, "0", "15")) do
  if redis.call("HEXISTS", aud, "s:" .. a .. ":" .. profile) == 1 then return { wake(a) } end
end
return {}
