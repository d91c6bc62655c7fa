-- limit replaces a type's limits, and sets whether its tenants share fairly.
-- KEYS: ctl limits fair
-- ARGV: "1" for fair share; then pairs of field and value as in lib_limits.lua
-- Returns: 1
local old = redis.call("HKEYS", limits)
for _, field in ipairs(old) do
  if string.sub(field, 1, 1) ~= "b" then redis.call("HDEL", limits, field) end
end
for i = 2, #ARGV, 2 do redis.call("HSET", limits, ARGV[i], ARGV[i + 1]) end
if #ARGV > 1 then
  redis.call("HSET", ctl, "limited", 1)
else
  redis.call("HDEL", ctl, "limited")
  redis.call("DEL", limits)
end
if ARGV[1] ~= "1" then
  redis.call("HDEL", ctl, "fair")
  redis.call("DEL", fair)
elseif redis.call("HEXISTS", ctl, "fair") == 0 then
  redis.call("HSET", ctl, "fair", redis.call("HGET", ctl, "seq") or 0) -- new tenants start behind the jobs that wait now
end
return 1
