-- hook_again delivers an end of a job once more, or its next attempt immediately.
-- KEYS: hookev hookhosts hookheld hooklog hookdead
-- LIBS: hook
-- MORE KEYS: the host's queue
-- ARGV: host, job id, line of the end, the log as the caller read it, the new log, JSON to remove from the list of deliveries
--       that were given up or ""
-- Returns: "ok", "busy" if an attempt is under way, "changed" if the log is not what the caller read
local host, id, line, before, log, given = unpack(ARGV)
if (redis.call("HGET", hooklog, id) or "") ~= before then return "changed" end
local q = KEYS[more + 1]
local due = redis.call("ZSCORE", q, id)
if redis.call("HEXISTS", hookheld, id) == 1 and due and tonumber(due) > now then return "busy" end
local lines = redis.call("HGET", hookev, id)
if not lines then
  redis.call("HSET", hookev, id, line)
elseif not string.find("\n" .. lines .. "\n", "\n" .. line .. "\n", 1, true) then
  redis.call("HSET", hookev, id, lines .. "\n" .. line)
end
redis.call("HSET", hooklog, id, log)
if given ~= "" then redis.call("ZREM", hookdead, given) end
plan(host, q, id, now)
return "ok"
