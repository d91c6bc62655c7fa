-- announce adds the end of jobs to the outbox that ended by a script of the former release, which knows no webhooks.
-- KEYS: ctl jobs meta hooks hookout
-- LIBS: record outbox
-- ARGV: id of a job in hooks, …
-- Returns: number of jobs
local n = 0
for _, id in ipairs(ARGV) do
  local r = read(id)
  if not r then
    redis.call("HDEL", hooks, id)
  elseif r[ENDED] ~= "0" and redis.call("HEXISTS", hooks, id) == 1 then
    announce(id, r[REV], r[STATE], r[CLASS], r[TENANT])
    n = n + 1
  end
end
return n
