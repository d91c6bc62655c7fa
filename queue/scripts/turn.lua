-- turn ends attempts of one worker and claims up to n new jobs for it. If there is none, it registers the worker as idle in
-- the same script, so that no wake-up is lost.
-- KEYS: ctl jobs bodies meta waiting chead heads aud cls classes delayed deadlines leases ended dead counts idle fleet held limits fair hooks hookout
-- MORE KEYS: the worker's wake list, then per ended attempt the job's details
-- LIBS: record index outbox ending limits
-- ARGV: 1 machine, 2 worker, 3 profile, 4 index in 6 digits, 5 n, 6 nonce, 7 lease ms, 8 ms by which an attempt may overrun
--       its timeout, 9 ms for which a job avoids the machine it failed on, 10 "1" if the worker may be in idle (also true
--       with 14), 11 "1" to become idle, 12 first retry delay ms, 13 largest retry delay ms, 14 "1" if a call with this
--       nonce was made before and got no answer: the jobs that it claimed are returned again; then per ended attempt 7: job
--       id, fence, nonce, "c" completed | "f" failed | "r" released, factor on the retry delay (-1: not retriable), failure
--       JSON or reason, result JSON
-- Returns: {{"ok" | "stale" | "missing", …}, status, {id, record, parameters or nil if too large, meta or "", …}, {worker
--          to wake, …}, ms until a rate limit lets the next job start, or nothing};
--          status is ok, idle, draining, paused, unregistered (nothing was claimed: register first), more (nothing was
--          claimed: call again) or limited
local wakelist, infos = KEYS[more + 1], more + 2
local machine, worker, profile, index, want, nonce = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local leaseFor, overrun, keepOff = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local me = machine .. "/" .. worker
local wakes = {}

-- Members, or scores and members, of sets that are changed once for all jobs of the call.
local unleased, closed, leased = {}, {}, {}

-- served adds an attempt's duration to the class's samples, about 60. Times under a second are frequent, so it keeps
-- only one in eight, chosen by the last digit of the order.
local function served(r)
  local ms = now - r[STARTED]
  local last = string.byte(r[ORDER], -1)
  if ms < 1000 and last ~= 49 and last ~= 57 then return end -- "1" and "9"
  local s = (redis.call("HGET", cls, "s:" .. r[CLASS]) or "") .. ms .. ","
  if #s > 400 then s = string.sub(s, string.find(s, ",", #s - 400, true) + 1) end
  redis.call("HSET", cls, "s:" .. r[CLASS], s)
end

-- unfinished ends an attempt that didn't complete.
local function unfinished(info, id, r, action, factor, detail)
  ending()
  if action == "r" then
    r[ATTEMPTS] = r[ATTEMPTS] - 1
    wakes[#wakes + 1] = back(id, r, 0, "released", detail)
    return remember(info, r, "released", detail)
  end
  redis.call("HSET", info, "error", detail)
  if tonumber(factor) < 0 then
    close(id, r, "f", "failed", detail)
  elseif tonumber(r[ATTEMPTS]) >= tonumber(r[MAX_ATTEMPTS]) then
    r[REASON] = "attempts"
    close(id, r, "x", "dead", detail)
  else
    r[EXCLUDED] = r[MACHINE]
    wakes[#wakes + 1] = back(id, r, backoff(r, ARGV[12], ARGV[13], factor), "retrying", detail)
  end
  remember(info, r, "failed", detail)
end

-- finish ends one attempt. Only the holder of the current fence and nonce may do that; any other call is stale.
local function finish(info, id, fence, key, action, factor, detail, result)
  local r = read(id)
  if not r then return "missing" end
  if r[FENCE] ~= fence or r[NONCE] ~= key then return "stale" end
  if r[STATE] ~= "r" then return "ok" end -- repeated: only an ending by the owner leaves the nonce in place
  if action ~= "c" then
    wakes[#wakes + 1] = stop(id, r)
    unfinished(info, id, r, action, factor, detail)
  else
    unleased[#unleased + 1] = id
    wakes[#wakes + 1] = uncount(r)
    if result ~= "" then redis.call("HSET", info, "result", result) end
    served(r)
    r[STATE], r[ENDED] = "c", nowText
    closed[#closed + 1], closed[#closed + 2] = nowText, id
    event(id, r, "completed")
    if tonumber(r[HAS]) >= 8 then announce(id, r[REV], "c", r[CLASS], r[TENANT]) end
  end
  write(id, r)
  return "ok"
end

local finished = {}
for i = 15, #ARGV, 7 do
  finished[#finished + 1] = finish(KEYS[infos + #finished], unpack(ARGV, i, i + 6))
end
if #unleased > 0 then
  redis.call("ZREM", leases, unpack(unleased))
  redis.call("ZADD", ended, unpack(closed))
end
if want == 0 then
  settle()
  return { finished, "ok", {}, wakes }
end

local seat = profile .. ":" .. index .. ":" .. me
if ARGV[10] == "1" or ARGV[14] == "1" then redis.call("ZREM", idle, seat) end
local flags = redis.call("HMGET", ctl, "w:" .. me, "d:" .. machine, "p:" .. machine, "paused", "limited", "fair")
local limited, fairly = flags[5], flags[6]

-- given holds the claimed jobs as they are returned, 4 values each.
local given = {}
local function answer(id, r, record)
  local n, has = #given, tonumber(r[HAS])
  given[n + 1], given[n + 2] = id, record
  given[n + 3] = has % 8 < 4 and (has % 4 >= 2 and redis.call("HGET", bodies, id) or "")
  given[n + 4] = has % 2 == 1 and redis.call("HGET", meta, id) or ""
end

-- start assigns a job, which is already removed from the index, to this worker.
local function start(id, r)
  if r[DEADLINE] ~= "0" then redis.call("ZREM", deadlines, id) end
  r[STATE], r[ATTEMPTS], r[FENCE], r[NONCE] = "r", r[ATTEMPTS] + 1, r[FENCE] + 1, nonce
  r[MACHINE], r[WORKER], r[STARTED], r[PROGRESS_REV] = machine, worker, nowText, "0"
  leased[#leased + 1], leased[#leased + 2] = string.format("%d", math.min(now + leaseFor, now + r[TIMEOUT] + overrun)), id
  count("m:" .. machine, 1)
  fresh = fresh + 1
  if r[TENANT] ~= "" then count("t:" .. r[TENANT], 1) end
  if fairly then
    local prefix, tag = string.sub(r[ORDER], 1, 2), tonumber(string.sub(r[ORDER], 3), 16)
    if tag > tonumber(redis.call("HGET", fair, prefix) or 0) then redis.call("HSET", fair, prefix, tag) end
  end
  event(id, r, "claimed")
  r[CLAIM_REV] = r[REV]
  answer(id, r, write(id, r))
end

-- page returns the audiences among the 16 in heads from rank at that this profile serves, in order, and whether there
-- may be more. It returns nil behind the last one.
local function page(at)
  local names = redis.call("ZRANGE", heads, at, at + 15)
  if #names == 0 then return nil end
  local fields = {}
  for i, a in ipairs(names) do fields[i] = "s:" .. a .. ":" .. profile end
  local serves, mine = redis.call("HMGET", aud, unpack(fields)), {}
  for i, a in ipairs(names) do
    if serves[i] then mine[#mine + 1] = a end
  end
  return mine, #names == 16
end

-- moved counts jobs that this call has moved out of the way: expired, held back, or without a record.
local moved = 0
local search
-- searching creates the functions that find a job; see indexing in lib_index.lua for the reason.
local function searching()
  if search then return end
  ending()
  if limited then limiting() end

  -- others reports whether another machine could run a job of the audience.
  local function others(a)
    local n = 0
    for p in string.gmatch(redis.call("HGET", aud, "p:" .. a) or "", "%x+") do
      n = n + (redis.call("HGET", fleet, "n:" .. p) or 0) - (redis.call("HGET", fleet, "m:" .. p .. ":" .. machine) or 0)
    end
    return n > 0
  end

  -- eligible reports whether this worker may have the job now. It ends a job past its deadline, and holds back a job of
  -- a tenant at its limit.
  local function eligible(a, id, r)
    if r[DEADLINE] ~= "0" and tonumber(r[DEADLINE]) <= now then
      wakes[#wakes + 1] = unwait(id, r)
      redis.call("ZREM", deadlines, id)
      r[REASON] = "deadline"
      close(id, r, "x", "dead")
      write(id, r)
      moved = moved + 1
      return false
    end
    if limited and r[TENANT] ~= "" and room(r[TENANT]) < 1 then
      hold(id, r)
      moved = moved + 1
      return false
    end
    return r[EXCLUDED] ~= machine or r[READY] + keepOff < now or not others(a)
  end

  -- inClass finds the first of a class's jobs that this worker may have: {order, id, record}. It checks at most 16
  -- jobs, not counting those that it moves out of the way, which are at most 256 in one call.
  local function inClass(a, class)
    while true do
      local before = moved
      for _, m in ipairs(redis.call("ZRANGEBYLEX", waiting, "[" .. class .. ":", "(" .. class .. ";", "LIMIT", "0", "16")) do
        local id = string.sub(m, 32)
        local r = read(id)
        if not r then -- an entry without a record must not block other jobs
          remove(class, string.sub(m, 18, 30), id)
          moved = moved + 1
        elseif eligible(a, id, r) then return { string.sub(m, 18, 30), id, r }
        end
      end
      if moved > 256 or moved == before then return nil end
    end
  end

  -- inAudience finds the first of an audience's jobs that this worker may have; the second result reports whether it is
  -- the audience's head.
  local function inAudience(a)
    local best
    for i, m in ipairs(redis.call("ZRANGEBYLEX", chead, "[" .. a .. ":", "(" .. a .. ";", "LIMIT", "0", "16")) do
      local order = string.sub(m, -30, -18)
      if best and best[1] <= order then break end
      local found = inClass(a, string.sub(m, -16))
      if found and (not best or found[1] < best[1]) then best = found end
      if i == 1 and found and found[1] == order then return best, true end
    end
    return best, false
  end

  -- search finds the first job among all audiences that this profile serves and starts it. It reports whether there was
  -- one. Audiences are in the order of their heads, so it stops at the first whose head is eligible.
  search = function()
    local best, at = nil, 0
    while true do
      local mine = page(at)
      local isHead = false
      for _, a in ipairs(mine or {}) do
        local found
        found, isHead = inAudience(a)
        if found and (not best or found[1] < best[1]) then best = found end
        if isHead then break end
      end
      if not mine or isHead then break end
      at = at + 16
    end
    if not best then return false end
    local order, id, r = unpack(best)
    remove(r[CLASS], order, id)
    if limited then
      spend("")
      if r[TENANT] ~= "" then spend(r[TENANT]) end
    end
    start(id, r)
    return true
  end
end

-- again returns the jobs that an earlier call with this nonce claimed, whose answer was lost.
local function again()
  for _, id in ipairs(redis.call("ZREVRANGE", leases, 0, 1999)) do
    local r = read(id)
    if r and r[NONCE] == nonce and r[MACHINE] == machine and r[STATE] == "r" then answer(id, r, table.concat(r, "\t")) end
  end
end

-- idling registers the worker as idle. If the machine is draining, it wakes another machine's worker instead.
local function idling(draining)
  if not draining then
    redis.call("DEL", wakelist)
    redis.call("ZADD", idle, "0", seat)
    return
  end
  indexing()
  for _, a in ipairs(page(0) or {}) do
    wakes[#wakes + 1] = wake(a, machine)
    return
  end
end

-- holds reports whether a drain is in force.
local function holds(drain)
  return drain and tonumber(string.match(drain, "^%d+")) > now
end

-- claim claims up to the wanted number of jobs. It returns the status and the ms until a rate limit lets the next one
-- start.
local function claim()
  if ARGV[14] == "1" then
    again()
    if #given > 0 then return "ok" end
  end
  if not flags[1] then return "unregistered" end
  if holds(flags[2]) or holds(flags[3]) then
    idling(true)
    return "draining"
  end
  if flags[4] then return "paused" end
  local soon
  while #given < 4 * want do
    searching()
    if limited then
      local free
      free, soon = room("")
      if free < 1 then return #given > 0 and "ok" or "limited", soon end
    end
    if not search() then break end
  end
  if #given > 0 then return "ok" end
  if moved > 256 then return "more" end
  if limited then
    local n
    n, soon = sweep(wakes)
    if n > 0 then return "more" end
  end
  if ARGV[11] == "1" then idling(false) end
  return "idle", soon
end

local status, soon = claim()
if #leased > 0 then redis.call("ZADD", leases, unpack(leased)) end
settle()
return { finished, status, given, wakes, soon }
