-- Functions that end an attempt or a job. Needs record and index, and the keys: leases delayed ended dead counts held. A
-- script that closes jobs needs outbox, too.
--
-- counts holds the number of delayed jobs as d:<class>, held jobs as h:<class>, and running jobs as m:<machine> and
-- t:<tenant>. A counter that reaches zero is deleted.

-- count records a change of a counter. settle writes the changed counters and commits; it must be the last call in a
-- script.
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

-- ending creates the functions that a completed attempt doesn't need; see indexing in lib_index.lua for the reason.
local unhold, unwait, remember, back, backoff
local function ending()
  if unhold then return end
  indexing()

  -- unhold returns the first of a tenant's held jobs to the index. It returns the worker to wake, if any, and whether
  -- there was a held job.
  unhold = function(tenant)
    local m = redis.call("ZRANGEBYLEX", held, "[" .. tenant .. "\t", "(" .. tenant .. "\n", "LIMIT", "0", "1")[1]
    if not m then return nil, false end
    redis.call("ZREM", held, m)
    local order, class, id = string.match(string.sub(m, #tenant + 2), "^(%x+):(%x+):(.*)$")
    count("h:" .. class, -1)
    return wake(insert(class, order, id)), true
  end

  -- unwait removes a waiting job from the index or from the held jobs. It returns the worker to wake for the tenant's
  -- next job.
  unwait = function(id, r)
    if remove(r[CLASS], r[ORDER], id) then
      if r[TENANT] ~= "" then return (unhold(r[TENANT])) end
    elseif redis.call("ZREM", held, r[TENANT] .. "\t" .. r[ORDER] .. ":" .. r[CLASS] .. ":" .. id) == 1 then
      count("h:" .. r[CLASS], -1)
    end
  end

  -- remember stores an ended attempt in the job's details, which keep the last 20.
  remember = function(info, r, outcome, detail)
    redis.call("HSET", info, "a" .. r[FENCE], table.concat(
      { outcome, r[MACHINE], r[WORKER], r[STARTED], nowText, r[CLAIM_REV], r[REV], detail or "" }, "\t"))
    if tonumber(r[FENCE]) > 20 then redis.call("HDEL", info, "a" .. (r[FENCE] - 20)) end
  end

  -- back returns a job to the queue at its original order, after delay ms. It returns the worker to wake, if any.
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

  -- backoff returns the delay before the next attempt, which doubles with each failed attempt.
  backoff = function(r, first, largest, factor)
    return math.floor(math.min(tonumber(largest), first * 2 ^ math.min(r[ATTEMPTS] - 1, 30)) * factor)
  end
end

-- uncount removes a claim from the counts of running jobs. It returns the worker to wake for the tenant's next job.
local function uncount(r)
  count("m:" .. r[MACHINE], -1)
  if r[TENANT] == "" then return nil end
  count("t:" .. r[TENANT], -1)
  ending()
  return (unhold(r[TENANT]))
end

-- stop ends a claim: it removes the lease and the claim from the counts. It returns what uncount returns.
local function stop(id, r)
  redis.call("ZREM", leases, id)
  return uncount(r)
end

-- close puts a job into a final state.
local function close(id, r, state, kind, detail)
  r[STATE], r[ENDED] = state, nowText
  redis.call("ZADD", ended, nowText, id)
  if state == "x" then redis.call("ZADD", dead, nowText, id) end
  event(id, r, kind, detail)
  if tonumber(r[HAS]) >= 8 then announce(id, r[REV], state, r[CLASS], r[TENANT]) end
end
