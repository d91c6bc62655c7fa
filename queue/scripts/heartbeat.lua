-- heartbeat renews a machine's leases and worker registrations in one shard, and reports what has changed for them.
-- KEYS: ctl jobs leases alive
-- LIBS: record
-- ARGV: 1 machine, 2 lease ms, 3 ms by which an attempt may overrun its timeout, 4 registration ms, 5 number of workers,
-- 6… per worker its name and its entry in ctl, then per lease 3: job id, fence, nonce
-- Returns: {{lost job, …}, {cancelled job, …}, {worker that must register again, …}, reason of the drain or false}
local machine, leaseFor, overrun, registeredFor, n = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local lost, cancelled, missing = {}, {}, {}
for i = 6, 4 + 2 * n, 2 do
  local me = machine .. "/" .. ARGV[i]
  if redis.call("HGET", ctl, "w:" .. me) == ARGV[i + 1] then
    redis.call("ZADD", alive, string.format("%d", now + registeredFor), me)
  else
    missing[#missing + 1] = ARGV[i]
  end
end

-- SOME extracts only the fields that a heartbeat needs: STATE FENCE NONCE STARTED TIMEOUT.
local SOME = "^(%a)\t%d+\t%d+\t(%d+)\t([^\t]*)\t[^\t]*\t[^\t]*\t(%d+)\t%d+\t%d+\t%d+\t[^\t]*\t[^\t]*\t%d+\t(%d+)\t"

-- renew renews up to 500 leases, whose arguments start at ARGV[first]. A lease never outlasts the
-- attempt's timeout plus the overrun.
local function renew(first)
  local ids, renewed = {}, {}
  for i = first, math.min(#ARGV, first + 1499), 3 do ids[#ids + 1] = ARGV[i] end
  for k, text in ipairs(redis.call("HMGET", jobs, unpack(ids))) do
    local id, fence, nonce = unpack(ARGV, first + 3 * k - 3, first + 3 * k - 1)
    local state, f, key, started, timeout = string.match(text or "", SOME)
    if state == "k" and f == fence then
      cancelled[#cancelled + 1] = id
    elseif state ~= "r" or f ~= fence or key ~= nonce then
      lost[#lost + 1] = id
    else
      local till, last = now + leaseFor, started + timeout + overrun
      if last <= now then lost[#lost + 1] = id end -- the reaper will end it as timed out
      if last < till then till = last end
      renewed[#renewed + 1], renewed[#renewed + 2] = string.format("%d", till), id
    end
  end
  if #renewed > 0 then redis.call("ZADD", leases, unpack(renewed)) end
end
for i = 6 + 2 * n, #ARGV, 1500 do renew(i) end

-- An operator's reason takes precedence over the dispatcher's.
local why = false
for _, drain in ipairs({ "d:", "p:" }) do
  local till, reason = string.match(redis.call("HGET", ctl, drain .. machine) or "", "^(%d+)\t(.*)$")
  if till and tonumber(till) > now then why = reason end
end
return { lost, cancelled, missing, why }
