-- swap changes what idempotency keys stand for, where that is still what the caller saw.
-- MORE KEYS: the table of all keys
-- ARGV: per key 3: "<tenant>\t<key>", the id it stands for, the one it shall stand for or "" to forget it
-- Returns: number changed
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
