-- forfeit expires the leases of one machine's running jobs immediately.
-- KEYS: ctl jobs leases
-- LIBS: record
-- ARGV: machine
-- Returns: {number of leases}
local n = 0
for _, id in ipairs(redis.call("ZRANGE", leases, 0, -1)) do
  local r = read(id)
  if r and r[STATE] == "r" and r[MACHINE] == ARGV[1] then
    redis.call("ZADD", leases, "XX", 0, id)
    n = n + 1
  end
end
return { n }
