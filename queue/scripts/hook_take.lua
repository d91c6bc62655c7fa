-- hook_take gives a dispatcher deliveries to one host that are due. If the dispatcher dies, they are due again after a while.
-- KEYS: hookev hookhosts hookheld hooklog
-- LIBS: hook
-- MORE KEYS: the host's queue
-- ARGV: host, maximum number, nonce, ms until they are due again
-- Returns: {id, line of its oldest end, log or "", …}
local host, nonce, q = ARGV[1], ARGV[3], KEYS[more + 1]
local out = {}
for _, id in ipairs(redis.call("ZRANGEBYSCORE", q, "-inf", string.format("%d", now), "LIMIT", "0", ARGV[2])) do
  local lines = redis.call("HGET", hookev, id)
  if lines then
    redis.call("HSET", hookheld, id, nonce)
    plan(host, q, id, now + ARGV[4])
    out[#out + 1], out[#out + 2] = id, string.match(lines, "^[^\n]*")
    out[#out + 1] = redis.call("HGET", hooklog, id) or ""
  else
    plan(host, q, id, nil)
  end
end
if #out == 0 then -- the host isn't due
  refresh(host, q)
end
return out
