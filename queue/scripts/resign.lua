-- resign gives up the leadership of a task.
-- MORE KEYS: the leadership
-- ARGV: holder
-- Returns: 1 if the holder led, else 0
if redis.call("GET", KEYS[more + 1]) ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[more + 1])
