-- drop forgets ended jobs: those older than the retention, or beyond its number. Jobs that haven't ended are left alone.
-- KEYS: ctl jobs bodies meta idem all ended dead
-- MORE KEYS: per job its details
-- LIBS: record
-- ARGV: job id, …
-- Returns: number dropped
local n = 0
for i, id in ipairs(ARGV) do
  local r = read(id)
  if not r then
    redis.call("ZREM", ended, id)
  elseif tonumber(r[ENDED]) > 0 and redis.call("ZSCORE", ended, id) then
    redis.call("HDEL", jobs, id)
    redis.call("HDEL", bodies, id)
    redis.call("HDEL", meta, id)
    if r[IDEM] ~= "" then redis.call("HDEL", idem, r[TENANT] .. "\t" .. r[IDEM]) end
    redis.call("ZREM", all, id)
    redis.call("ZREM", ended, id)
    redis.call("ZREM", dead, id)
    redis.call("DEL", KEYS[more + i])
    n = n + 1
  end
end
return n
