-- How an attempt or a job ends. Needs record and index, and the keys: leases delayed ended dead counts held.
--
-- counts has d:<class> = delayed, h:<class> = held, m:<machine> and t:<tenant> = running.

-- count notes a change of a counter; settle writes those that changed and commits. It must come last in a script.
local tally = {}
local function count(field, n)
  tally[field] = (tally[field] or 0) + n
end

local function settle()
  for field, n in pairs(tally) do
    if n ~= 0 and redis.call("HINCRBY", counts, field, n) <= 0 then redis.call("HDEL", counts, field) end
  end
  commit()
end

-- ending makes the functions that an attempt which completes doesn't need.
local unhold, unwait, remember, back, backoff
local function ending()
  if unhold then return end
  indexing()

  -- unhold puts the first of a tenant's held jobs back into the index. Returns the worker to wake, if any, and whether
  -- there was one.
  unhold = function(tenant)
    local m = redis.call("ZRANGEBYLEX", held, "[" .. tenant .. "\t", "(" .. tenant .. "\n", "LIMIT", "0", "1")[1]
    if not m then return nil, false end
    redis.call("ZREM", held, m)
    local order, class, id = string.match(string.sub(m, #tenant + 2), "^(%x+):(%x+):(.*)$")
    count("h:" .. class, -1)
    return wake(insert(class, order, id)), true
  end

  -- unwait takes a waiting job out of the index, or out of the held ones. Returns the worker to wake for its tenant's next.
  unwait = function(id, r)
    if remove(r[CLASS], r[ORDER], id) then
      if r[TENANT] ~= "" then return (unhold(r[TENANT])) end
    elseif redis.call("ZREM", held, r[TENANT] .. "\t" .. r[ORDER] .. ":" .. r[CLASS] .. ":" .. id) == 1 then
      count("h:" .. r[CLASS], -1)
    end
  end

  -- remember keeps an ended attempt in the job's details: the last 20.
  remember = function(info, r, outcome, detail)
    redis.call("HSET", info, "a" .. r[FENCE], table.concat(
      { outcome, r[MACHINE], r[WORKER], r[STARTED], nowText, r[CLAIM_REV], r[REV], detail or "" }, "\t"))
    if tonumber(r[FENCE]) > 20 then redis.call("HDEL", info, "a" .. (r[FENCE] - 20)) end
  end

  -- back makes a job wait again, at its original order, after delay ms. Returns the worker to wake, if any.
  back = function(id, r, delay, kind, detail)
    r[READY] = string.format("%d", now + delay)
    if delay > 0 then
      r[STATE] = "d"
      redis.call("ZADD", delayed, r[READY], id)
      count("d:" .. r[CLASS], 1)
      event(id, r, kind, detail)
      return nil
    end
    r[STATE] = "w"
    local a = insert(r[CLASS], r[ORDER], id)
    event(id, r, kind, detail)
    return wake(a, r[EXCLUDED] ~= "" and r[EXCLUDED] or nil)
  end

  -- backoff is the delay before the next attempt: it doubles with each that failed.
  backoff = function(r, first, largest, factor)
    return math.floor(math.min(tonumber(largest), first * 2 ^ math.min(r[ATTEMPTS] - 1, 30)) * factor)
  end
end

-- uncount counts a claim as running no more. Returns the worker to wake for its tenant's next job.
local function uncount(r)
  count("m:" .. r[MACHINE], -1)
  if r[TENANT] == "" then return nil end
  count("t:" .. r[TENANT], -1)
  ending()
  return (unhold(r[TENANT]))
end

-- stop ends a claim: no lease, no longer counted as running. Returns what uncount does.
local function stop(id, r)
  redis.call("ZREM", leases, id)
  return uncount(r)
end

-- close brings a job to a final state.
local function close(id, r, state, kind, detail)
  r[STATE], r[ENDED] = state, nowText
  redis.call("ZADD", ended, nowText, id)
  if state == "x" then redis.call("ZADD", dead, nowText, id) end
  event(id, r, kind, detail)
end
