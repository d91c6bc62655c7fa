-- heartbeat renews a machine's leases and worker registrations in one shard.
-- KEYS: ctl jobs leases alive
-- LIBS: record
-- ARGV: 1 machine, 2 lease ms, 3 ms by which an attempt may overrun its timeout, 4 registration ms, 5 number of workers,
--       6… their names, then per lease 3: job id, fence, nonce
-- Returns: {{lost job, …}, {cancelled job, …}, {worker that must register again, …}, reason of the drain or false}
local machine, leaseFor, overrun, registeredFor, n = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local lost, cancelled, missing = {}, {}, {}
for i = 6, 5 + n do
  local me = machine .. "/" .. ARGV[i]
  if redis.call("HEXISTS", ctl, "w:" .. me) == 1 then
    redis.call("ZADD", alive, now + registeredFor, me)
  else
    missing[#missing + 1] = ARGV[i]
  end
end
for i = 6 + n, #ARGV, 3 do
  local id = ARGV[i]
  local r = read(id)
  if r and r[STATE] == "k" and r[FENCE] == ARGV[i + 1] then
    cancelled[#cancelled + 1] = id
  elseif not r or r[FENCE] ~= ARGV[i + 1] or r[NONCE] ~= ARGV[i + 2] or r[STATE] ~= "r" then
    lost[#lost + 1] = id
  else
    local last = r[STARTED] + r[TIMEOUT] + overrun
    if last <= now then lost[#lost + 1] = id end -- the reaper ends it as timed out
    redis.call("ZADD", leases, math.min(now + leaseFor, last), id)
  end
end
local till, reason = string.match(redis.call("HGET", ctl, "d:" .. machine) or "", "^(%d+)\t(.*)$")
return { lost, cancelled, missing, till and tonumber(till) > now and reason }
