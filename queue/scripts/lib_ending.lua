-- How an attempt or a job ends. Needs record and index, and the keys: leases delayed deadlines ended dead counts.

-- stop ends a claim: no lease, no longer counted as running.
local function stop(id, r)
  redis.call("ZREM", leases, id)
  redis.call("HINCRBY", counts, "r:" .. r[CLASS], -1)
  if redis.call("HINCRBY", counts, "m:" .. r[MACHINE], -1) <= 0 then redis.call("HDEL", counts, "m:" .. r[MACHINE]) end
end

-- remember keeps an ended attempt in the job's details: the last 20.
local function remember(info, r, outcome, detail)
  redis.call("HSET", info, "a" .. r[FENCE], table.concat(
    { outcome, r[MACHINE], r[WORKER], r[STARTED], now, r[CLAIM_REV], r[REV], detail or "" }, "\t"))
  if tonumber(r[FENCE]) > 20 then redis.call("HDEL", info, "a" .. (r[FENCE] - 20)) end
end

-- close brings a job to a final state.
local function close(id, r, state, kind, detail)
  r[STATE], r[ENDED] = state, now
  redis.call("ZADD", ended, now, id)
  if state == "x" then redis.call("ZADD", dead, now, id) end
  event(id, r, kind, detail)
end

-- back makes a job wait again, at its original order, after delay ms. Returns the worker to wake, if any.
local function back(id, r, delay, kind, detail)
  r[READY] = now + delay
  if delay > 0 then
    r[STATE] = "d"
    redis.call("ZADD", delayed, r[READY], id)
    redis.call("HINCRBY", counts, "d:" .. r[CLASS], 1)
    event(id, r, kind, detail)
    return nil
  end
  r[STATE] = "w"
  local a = insert(r[CLASS], r[ORDER], id)
  event(id, r, kind, detail)
  return wake(a, r[EXCLUDED] ~= "" and r[EXCLUDED] or nil)
end

-- backoff is the delay before the next attempt: it doubles with each that failed.
local function backoff(r, first, largest, factor)
  return math.floor(math.min(tonumber(largest), first * 2 ^ math.min(r[ATTEMPTS] - 1, 30)) * factor)
end
