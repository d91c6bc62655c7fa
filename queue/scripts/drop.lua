-- drop deletes ended jobs, which the caller has found to exceed the retention. It skips jobs that haven't ended.
-- KEYS: ctl jobs bodies meta idem all ended dead hookev hooklog
-- MORE KEYS: per job its details
-- LIBS: record
-- ARGV: job id, …
-- Returns: {"<tenant>\t<key>", id, …} of the deleted jobs that had an idempotency key
local keys = {}
for i, id in ipairs(ARGV) do
  local r = read(id)
  if not r then
    redis.call("ZREM", ended, id)
  elseif tonumber(r[ENDED]) > 0 and redis.call("ZSCORE", ended, id) then
    redis.call("HDEL", jobs, id)
    redis.call("HDEL", bodies, id)
    redis.call("HDEL", meta, id)
    if tonumber(r[HAS]) >= 8 and redis.call("HEXISTS", hookev, id) == 0 then redis.call("HDEL", hooklog, id) end
    if r[IDEM] ~= "" then
      local field = r[TENANT] .. "\t" .. r[IDEM]
      if redis.call("HGET", idem, field) == id then redis.call("HDEL", idem, field) end
      keys[#keys + 1], keys[#keys + 2] = field, id
    end
    redis.call("ZREM", all, id)
    redis.call("ZREM", ended, id)
    redis.call("ZREM", dead, id)
    redis.call("DEL", KEYS[more + i])
  end
end
return keys
