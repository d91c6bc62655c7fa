-- hook_done records one attempt at a delivery: it is over, or due again later.
-- KEYS: ctl jobs hookev hookhosts hookheld hooklog hookdead
-- LIBS: hook
-- MORE KEYS: the host's queue
-- ARGV: host, job id, nonce, ms until the next attempt or "" if there is none, log, JSON for the list of deliveries that were
--       given up or "", event to publish or "", maximum length of that list
-- Returns: "ok", or "stale" if another dispatcher has taken over
local host, id, nonce, after, log, given, news = unpack(ARGV)
local q = KEYS[more + 1]
if redis.call("HGET", hookheld, id) ~= nonce then return "stale" end
redis.call("HDEL", hookheld, id)
local lines = redis.call("HGET", hookev, id) or ""
if after ~= "" then
  plan(host, q, id, now + after)
else
  lines = string.match(lines, "\n(.*)$") or ""
  if lines ~= "" then
    redis.call("HSET", hookev, id, lines)
    plan(host, q, id, now)
  else
    redis.call("HDEL", hookev, id)
    plan(host, q, id, nil)
  end
end
if lines ~= "" or redis.call("HEXISTS", jobs, id) == 1 then
  redis.call("HSET", hooklog, id, log)
else
  redis.call("HDEL", hooklog, id)
end
if given ~= "" then
  redis.call("ZADD", hookdead, string.format("%d", now), given)
  redis.call("ZREMRANGEBYRANK", hookdead, "0", string.format("%d", -1 - ARGV[8]))
end
if news ~= "" then redis.call("PUBLISH", string.sub(ctl, 1, -4) .. "ev", news) end
return "ok"
