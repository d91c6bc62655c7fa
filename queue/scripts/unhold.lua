-- unhold returns held jobs to the index: either up to a number of any tenants' jobs, or only those whose tenant has room.
-- KEYS: ctl jobs waiting chead heads aud cls classes idle delayed leases ended dead counts limits held
-- LIBS: record index ending limits
-- ARGV: maximum number, or "room"
-- Returns: {number returned, {worker to wake, …}}
ending()
local wakes, n = {}, 0
limiting()
if ARGV[1] == "room" then
  n = sweep(wakes)
  settle()
  return { n, wakes }
end
for _ = 1, tonumber(ARGV[1]) do
  local m = redis.call("ZRANGE", held, "0", "0")[1]
  if not m then break end
  local woken = unhold(string.match(m, "^([^\t]*)\t"))
  wakes[#wakes + 1] = woken
  n = n + 1
end
settle()
return { n, wakes }
