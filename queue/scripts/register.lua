-- register registers a worker or renews its registration.
-- KEYS: ctl alive fleet idle
-- ARGV: machine, worker, index in 6 digits, profile, offer JSON, registration ms
-- Returns: {"forgotten"} if the shard isn't marked, else {fleet version, 1 if the fleet's profiles changed}
local machine, worker, index, profile, offer, ms = unpack(ARGV)
if redis.call("HEXISTS", ctl, "_") == 0 then return { "forgotten" } end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me = machine .. "/" .. worker
local old = redis.call("HGET", ctl, "w:" .. me)
local changed = 0
redis.call("ZREM", idle, profile .. ":" .. index .. ":" .. me)
if old ~= profile .. "\t" .. index then
  if old then
    local p, i = string.match(old, "^(%x+)\t(%d+)$")
    redis.call("ZREM", idle, p .. ":" .. i .. ":" .. me)
    if redis.call("HINCRBY", fleet, "m:" .. p .. ":" .. machine, -1) <= 0 then redis.call("HDEL", fleet, "m:" .. p .. ":" .. machine) end
    if redis.call("HINCRBY", fleet, "n:" .. p, -1) <= 0 then
      redis.call("HDEL", fleet, "n:" .. p, "o:" .. p)
      changed = 1
    end
  end
  redis.call("HSET", ctl, "w:" .. me, profile .. "\t" .. index)
  redis.call("HINCRBY", fleet, "m:" .. profile .. ":" .. machine, 1)
  if redis.call("HINCRBY", fleet, "n:" .. profile, 1) == 1 then
    redis.call("HSET", fleet, "o:" .. profile, offer)
    changed = 1
  end
end
redis.call("ZADD", alive, string.format("%d", now + ms), me)
-- LIBS: fleet
return { changed == 1 and nextFleet(now) or tonumber(redis.call("HGET", ctl, "fleet") or 0), changed }
