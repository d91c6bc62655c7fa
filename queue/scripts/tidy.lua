-- tidy deletes drains that expired more than a minute ago.
-- KEYS: ctl jobs
-- LIBS: record
-- ARGV: field of ctl, …
-- Returns: number of deleted drains
local n = 0
for _, field in ipairs(ARGV) do
  local till = string.match(redis.call("HGET", ctl, field) or "", "^%d+")
  if till and tonumber(till) + 60000 < now then n = n + redis.call("HDEL", ctl, field) end
end
return n
