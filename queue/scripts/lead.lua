-- lead acquires or renews the leadership of a task.
-- MORE KEYS: the leadership
-- ARGV: holder, duration in ms
-- Returns: the current leader
local holder = redis.call("GET", KEYS[more + 1])
if holder and holder ~= ARGV[1] then return holder end
redis.call("SET", KEYS[more + 1], ARGV[1], "PX", ARGV[2])
return ARGV[1]
