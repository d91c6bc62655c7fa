-- promote moves delayed jobs whose time has come to the waiting ones.
-- KEYS: ctl jobs waiting chead heads aud cls classes idle delayed counts
-- LIBS: record index
-- ARGV: maximum number of jobs
-- Returns: {number promoted, {worker to wake, …}}
indexing()
local wakes, n = {}, 0
for _, id in ipairs(redis.call("ZRANGEBYSCORE", delayed, "-inf", now, "LIMIT", "0", ARGV[1])) do
  redis.call("ZREM", delayed, id)
  local r = read(id)
  if r and r[STATE] == "d" then
    redis.call("HINCRBY", counts, "d:" .. r[CLASS], -1)
    r[STATE] = "w"
    local a = insert(r[CLASS], r[ORDER], id)
    event(id, r, "due")
    write(id, r)
    n = n + 1
    wakes[#wakes + 1] = wake(a, r[EXCLUDED] ~= "" and r[EXCLUDED] or nil)
  end
end
commit()
return { n, wakes }
