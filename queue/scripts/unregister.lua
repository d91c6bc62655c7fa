-- unregister removes the named workers, or only those of them whose registration has expired.
-- KEYS: ctl alive fleet idle
-- ARGV: "1" to remove only expired ones; worker as <machine>/<worker>, …
-- Returns: {number of removed workers, 1 if the fleet's profiles changed}
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local n, changed = 0, 0
for i = 2, #ARGV do
  local me = ARGV[i]
  local old = redis.call("HGET", ctl, "w:" .. me)
  local till = tonumber(redis.call("ZSCORE", alive, me) or 0)
  if ARGV[1] ~= "1" or till <= now then
    redis.call("ZREM", alive, me)
    if old then
      local p, index = string.match(old, "^(%x+)\t(%d+)$")
      local mine = "m:" .. p .. ":" .. string.match(me, "^([^/]*)/")
      redis.call("ZREM", idle, p .. ":" .. index .. ":" .. me)
      redis.call("HDEL", ctl, "w:" .. me)
      if redis.call("HINCRBY", fleet, mine, -1) <= 0 then redis.call("HDEL", fleet, mine) end
      if redis.call("HINCRBY", fleet, "n:" .. p, -1) <= 0 then
        redis.call("HDEL", fleet, "n:" .. p, "o:" .. p)
        changed = 1
      end
      n = n + 1
    end
  end
end
-- LIBS: fleet
if changed == 1 then nextFleet(now) end
return { n, changed }
