-- The queue of webhook deliveries. Needs the keys: hookev hookhosts.
--
--   hookev     job → its ends that are neither delivered nor given up, oldest first: lines as in the outbox (lib_outbox.lua)
--   hookhosts  receiving host → when its next delivery is due
--   hookq:<host>  job → when its oldest end is due, one key per host; a job's ends all go to one host
--   hookheld   job → the nonce of the dispatcher that is delivering its oldest end
--   hooklog    job → JSON of its deliveries, for people; only Go reads it
--   hookdead   JSON of deliveries that were given up, by time
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- refresh corrects when a host is due.
local function refresh(host, q)
  local first = redis.call("ZRANGE", q, "0", "0", "WITHSCORES")
  if first[2] then
    redis.call("ZADD", hookhosts, first[2], host)
  else
    redis.call("ZREM", hookhosts, host)
  end
end

-- plan makes a job due at a time, or not at all, and corrects when its host is due.
local function plan(host, q, id, due)
  if due then
    redis.call("ZADD", q, string.format("%d", due), id)
  else
    redis.call("ZREM", q, id)
  end
  refresh(host, q)
end
