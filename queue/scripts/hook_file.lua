-- hook_file moves ends of jobs from the outbox to the deliveries of their hosts. It stops at an entry that is not the next one
-- any more, because another dispatcher has filed it.
-- KEYS: hookout hookev hookhosts
-- LIBS: hook
-- MORE KEYS: per entry its host's queue
-- ARGV: per entry 3: the entry, job id, host
-- Returns: number of moved entries
local n = 0
for i = 1, #ARGV, 3 do
  local entry, id, host = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call("LINDEX", hookout, "0") ~= entry then break end
  redis.call("LPOP", hookout)
  local before = redis.call("HGET", hookev, id)
  redis.call("HSET", hookev, id, before and before .. "\n" .. entry or entry)
  if not before then plan(host, KEYS[more + (i + 2) / 3], id, now) end
  n = n + 1
end
return n
