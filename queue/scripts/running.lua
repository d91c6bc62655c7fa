-- running counts the running jobs by class. It looks at the leases, which are as many as jobs run, however many wait: a
-- counter would cost every claim and every ending more than this costs the few who ask.
-- KEYS: ctl jobs leases
-- ARGV: first and last rank of the leases to look at
-- Returns: {number of leases looked at, class, its running jobs, …}
local ids = redis.call("ZRANGE", leases, ARGV[1], ARGV[2])
local n = {}

-- Of a record only CLASS is looked at, where STATE is r.
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
