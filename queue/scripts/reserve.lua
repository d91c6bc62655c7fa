-- reserve enters idempotency keys that aren't in the table yet.
-- MORE KEYS: the table of all keys
-- ARGV: per key 2: "<tenant>\t<key>", the id that its job will have
-- Returns: {id that the key stands for, …}
local ids = {}
for i = 1, #ARGV, 2 do
  local id = redis.call("HGET", KEYS[more + 1], ARGV[i])
  if not id then
    id = ARGV[i + 1]
    redis.call("HSET", KEYS[more + 1], ARGV[i], id)
  end
  ids[#ids + 1] = id
end
return ids
