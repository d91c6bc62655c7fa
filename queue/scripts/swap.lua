-- swap changes what idempotency keys refer to, if that is still what the caller read.
-- MORE KEYS: the table of all keys
-- ARGV: per key 3: "<tenant>\t<key>", the id it refers to, the id to set or "" to delete the key
-- Returns: number of changed keys
local n = 0
for i = 1, #ARGV, 3 do
  if redis.call("HGET", KEYS[more + 1], ARGV[i]) == ARGV[i + 1] then
    if ARGV[i + 2] == "" then
      redis.call("HDEL", KEYS[more + 1], ARGV[i])
    else
      redis.call("HSET", KEYS[more + 1], ARGV[i], ARGV[i + 2])
    end
    n = n + 1
  end
end
return n
