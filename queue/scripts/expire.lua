-- expire ends one claim whose lease has expired, or one job whose deadline has passed. It checks the condition itself, so
-- that any number of reapers may run concurrently.
-- KEYS: ctl jobs meta waiting chead heads aud cls classes idle delayed deadlines leases ended dead counts held hooks hookout
-- MORE KEYS: the job's details
-- LIBS: record index outbox ending
-- ARGV: job id, number of lost leases that makes a job dead, first and largest retry delay ms, factor on the delay,
--       ms by which an attempt may overrun its timeout
-- Returns: {what: "none", "lost", "timeout", "dead" or "deadline", worker to wake, …}
ending()
local id, maxLost, overrun = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[6])
local info = KEYS[more + 1]
local r = read(id)
if not r then
  redis.call("ZREM", leases, id)
  redis.call("ZREM", deadlines, id)
  return { "none" }
end

local due = redis.call("ZSCORE", deadlines, id)
if due and tonumber(due) <= now and (r[STATE] == "w" or r[STATE] == "d") then
  local woken
  if r[STATE] == "w" then
    woken = unwait(id, r)
  else
    redis.call("ZREM", delayed, id)
    count("d:" .. r[CLASS], -1)
  end
  redis.call("ZREM", deadlines, id)
  r[REASON] = "deadline"
  close(id, r, "x", "dead")
  write(id, r)
  settle()
  return { "deadline", woken }
end

-- answer builds the result without holes: either worker may be nil, and a Lua list ends at the first nil.
local function answer(what, first, second)
  local out = { what }
  out[#out + 1] = first
  out[#out + 1] = second
  return out
end

local lease = redis.call("ZSCORE", leases, id)
if not lease or tonumber(lease) > now or r[STATE] ~= "r" then return { "none" } end
local next = stop(id, r)
-- The lease has expired, so the machine can't end this attempt any more, and another one should get the job.
r[NONCE], r[EXCLUDED] = "", r[MACHINE]
local woken
if r[STARTED] + r[TIMEOUT] + overrun <= now then
  local failure = string.format(
    '{"code":"timeout","message":"the attempt was still running %d s after it started","retriable":true}', (now - r[STARTED]) / 1000)
  redis.call("HSET", info, "error", failure)
  local what = "timeout"
  if tonumber(r[ATTEMPTS]) >= tonumber(r[MAX_ATTEMPTS]) then
    what, r[REASON] = "dead", "attempts"
    close(id, r, "x", "dead", failure)
  else
    woken = back(id, r, backoff(r, ARGV[3], ARGV[4], ARGV[5]), "retrying", failure)
  end
  remember(info, r, "failed", failure)
  write(id, r)
  settle()
  return answer(what, woken, next)
end
-- A lost lease doesn't count as an attempt, but too many of them make the job dead: it may be what kills the machines.
r[ATTEMPTS], r[LOST] = r[ATTEMPTS] - 1, r[LOST] + 1
local what = "lost"
if r[LOST] >= maxLost then
  what, r[REASON] = "dead", "lost"
  close(id, r, "x", "dead")
else
  woken = back(id, r, 0, "lost")
end
remember(info, r, "lost")
write(id, r)
settle()
return answer(what, woken, next)
