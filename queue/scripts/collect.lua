-- collect removes classes from the index that have no waiting, held or delayed job and had no arrival for a while. The
-- caller excludes classes with running jobs.
-- KEYS: ctl jobs waiting chead heads aud cls classes idle counts gone
-- LIBS: record index place
-- Requirements of removed classes stay in cls as long as an ended job may refer to them; gone records the removal times.
-- ARGV: minimum ms without an arrival, ms for which ended jobs are kept; class, …
-- Returns: number of removed classes
indexing()
placing()
local n = 0
-- Forget the requirements of classes removed long ago, unless the class is in the index again.
for _, class in ipairs(redis.call("ZRANGEBYSCORE", gone, "-inf", now - ARGV[2], "LIMIT", "0", 100)) do
  redis.call("ZREM", gone, class)
  if redis.call("HEXISTS", cls, "a:" .. class) == 0 then redis.call("HDEL", cls, "q:" .. class, "s:" .. class) end
end
for i = 3, #ARGV do
  local class = ARGV[i]
  local at = string.match(redis.call("HGET", cls, "t:" .. class) or "", " (%d+)$")
  local busy = (redis.call("HGET", counts, "d:" .. class) or 0) + (redis.call("HGET", counts, "h:" .. class) or 0)
  if busy <= 0 and not head(class) and (at or 0) + ARGV[1] <= now then
    local a = redis.call("HGET", cls, "a:" .. class)
    redis.call("HDEL", cls, "a:" .. class, "t:" .. class, "s:" .. class)
    redis.call("HDEL", counts, "d:" .. class, "h:" .. class)
    redis.call("ZREM", classes, class)
    if a then
      repair(a)
      forget(a)
    end
    redis.call("ZADD", gone, nowText, class)
    n = n + 1
  end
end
return n
