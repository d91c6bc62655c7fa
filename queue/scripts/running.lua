-- running counts the running jobs by class. It reads the leases, whose number depends on how many jobs run and not on how
-- many wait. Counters would cost more in every claim and ending than this costs in its few calls.
-- KEYS: ctl jobs leases
-- ARGV: first and last rank of the leases to read
-- Returns: {number of leases read, class, its running jobs, …}
local ids = redis.call("ZRANGE", leases, ARGV[1], ARGV[2])
local n = {}

-- RUNNING extracts only CLASS, of records whose STATE is r.
local RUNNING = "^r\t%d+\t%d+\t%d+\t[^\t]*\t[^\t]*\t[^\t]*\t%d+\t%d+\t%d+\t%d+\t[^\t]*\t[^\t]*\t%d+\t%d+\t%d\t(%x+)\t"
for at = 1, #ids, 1000 do
  for _, text in ipairs(redis.call("HMGET", jobs, unpack(ids, at, math.min(#ids, at + 999)))) do
    local class = string.match(text or "", RUNNING)
    if class then n[class] = (n[class] or 0) + 1 end
  end
end
local out = { #ids }
for class, count in pairs(n) do
  out[#out + 1] = class
  out[#out + 1] = count
end
return out
