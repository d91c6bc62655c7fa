-- forfeit makes the leases of one machine pass now, those of jobs that run.
-- KEYS: ctl jobs leases
-- LIBS: record
-- ARGV: machine
-- Returns: {how many}
local n = 0
for _, id in ipairs(redis.call("ZRANGE", leases, 0, -1)) do
  local r = read(id)
  if r and r[STATE] == "r" and r[MACHINE] == ARGV[1] then
    redis.call("ZADD", leases, "XX", 0, id)
    n = n + 1
  end
end
return { n }
