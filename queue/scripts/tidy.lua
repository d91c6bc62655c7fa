-- tidy forgets drains that lapsed more than a minute ago.
-- KEYS: ctl jobs
-- LIBS: record
-- ARGV: machine, …
-- Returns: number forgotten
local n = 0
for _, machine in ipairs(ARGV) do
  local till = string.match(redis.call("HGET", ctl, "d:" .. machine) or "", "^%d+")
  if till and tonumber(till) + 60000 < now then n = n + redis.call("HDEL", ctl, "d:" .. machine) end
end
return n
