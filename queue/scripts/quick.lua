-- quick handles turns without anything unusual, which is nearly all of them: for one or several workers with the same
-- profile it completes attempts and claims the next jobs. It is written for speed: one straight run without functions,
-- because creating one costs as much as a command, and with as few commands as possible. Their arguments are text, because
-- Lua formats numbers slowly.
-- It leaves unusual cases to turn, without having changed anything for them: limits and fair share, an unknown or drained
-- worker, a job past its deadline or one that avoids the machine.
-- KEYS: ctl jobs bodies meta waiting chead heads aud cls deadlines leases ended counts idle hooks hookout
-- MORE KEYS: each worker's wake list, then per completed attempt the job's details
-- ARGV: 1 profile, 2 lease ms, 3 ms by which an attempt may overrun its timeout, 4 number of workers; then per worker 6:
--       machine, worker, nonce, n, its entry in idle, "1" if the entry may be in idle now, "2" if it should be there when
--       there is no job, "3" both, "0" neither; then per completed attempt 4: job id, fence, nonce, result JSON
-- Returns: nothing if turn must handle everything, else {{"ok" | "stale" | "missing", …}, {number of jobs, or -1 if there
--          certainly is none, … per worker}, {id, record, parameters or nil if too large, meta or "", …}}; turn must claim
--          for each worker whose number is 0
local workers = tonumber(ARGV[4])
local fields = { "limited", "fair", "paused" }
for w = 1, workers do
  local at = 6 * w - 1
  fields[3 * w + 1], fields[3 * w + 2], fields[3 * w + 3] = "w:" .. ARGV[at] .. "/" .. ARGV[at + 1], "d:" .. ARGV[at], "p:" .. ARGV[at]
end
local flags = redis.call("HMGET", ctl, unpack(fields))
if flags[1] or flags[2] then return nil end

-- 1. Find the workers that want jobs: takers holds a worker's number once per wanted job.
local takers, numbers = {}, {}
for w = 1, workers do
  numbers[w] = 0
  if flags[3 * w + 1] and not flags[3 * w + 2] and not flags[3 * w + 3] and not flags[3] then
    for _ = 1, tonumber(ARGV[6 * w + 2]) do takers[#takers + 1] = w end
  end
end
local want = #takers

-- 2. Find the next jobs: the first jobs of the classes with the lowest heads. Each class is {1 head, 2 order of its next job as a
-- number, 3 class, 4 audience, 5 its first jobs, 6 how many of them are picked, 7 the rank to continue reading from, if it is the
-- last class read of its audience}.
local audiences, classes, picks, members, ids = {}, {}, {}, {}, {}
local none = false -- there is certainly no other job for this profile
if want > 0 then
  local most = string.format("%d", want + 1)
  local names = redis.call("ZRANGE", heads, "0", "15")
  local bound
  if #names > 0 then
    fields = {}
    for i = 1, #names do fields[i] = "s:" .. names[i] .. ":" .. ARGV[1] end
    local serves = redis.call("HMGET", aud, unpack(fields))
    for i = 1, #names do
      if serves[i] then audiences[#audiences + 1] = names[i] end
      if #audiences == want then break end -- the heads of these audiences alone are enough jobs, and precede those of later ones
    end
    -- Audiences after the sixteenth are not read, so only jobs up to the sixteenth's head certainly come first.
    if #names == 16 then bound = tonumber(redis.call("ZSCORE", heads, names[16])) end
  end
  -- Read as many classes of each audience as are likely to matter. Classes are in order, so those that are not read
  -- come after the last one that is. When a job is picked from that last one, the audience's next page is read before
  -- the next pick.
  local due, from, page, pageText = audiences, "0", want + 1, most
  if #audiences > 1 then
    page = math.max(2, math.ceil(page / #audiences))
    pageText = string.format("%d", page)
  end
  while true do
    for k = 1, #due do
      local a = due[k]
      local list = redis.call("ZRANGEBYLEX", chead, "[" .. a .. ":", "(" .. a .. ";", "LIMIT", from, pageText)
      for i = 1, #list do
        local m = list[i]
        classes[#classes + 1] = { m, tonumber(string.sub(m, -30, -18), 16), string.sub(m, -16), a, nil, 0 }
      end
      if #list == page then classes[#classes][7] = from + page end
    end
    if #picks == want then break end
    local best
    for i = 1, #classes do
      local c = classes[i]
      if c[2] and (not best or c[2] < best[2]) then best = c end
    end
    none = not best and not bound and #audiences < want
    if not best or bound and best[2] > bound then break end
    local list = best[5]
    if not list then
      list = redis.call("ZRANGEBYLEX", waiting, "[" .. best[3] .. ":", "(" .. best[3] .. ";", "LIMIT", "0", most)
      best[5] = list
    end
    local m, after = list[best[6] + 1], list[best[6] + 2]
    if not m then break end -- the index is inconsistent: leave it to turn
    best[6] = best[6] + 1
    best[2] = after and tonumber(string.sub(after, 18, 30), 16)
    local k = #picks + 1
    picks[k], members[k], ids[k] = best, m, string.sub(m, 32)
    due = {}
    if best[7] then
      due[1], from, best[7] = best[4], string.format("%d", best[7]), nil
    end
  end
end

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local nowText = string.format("%d", now)

-- 3. Read all records in one command: those of the next jobs, then those of the completed attempts.
local n, base = #picks, 6 * workers + 5
local endings = (#ARGV - base + 1) / 4
for i = 1, endings do ids[n + i] = ARGV[base + 4 * i - 4] end
local texts = #ids > 0 and redis.call("HMGET", jobs, unpack(ids)) or {}

-- What to write at the end: pairs of id and record, events, pairs of a set's score and member, changes of counters.
local records, events, leased, closed, unleased, finished, given, change = {}, {}, {}, {}, {}, {}, {}, {}

-- 4. Complete the attempts.
local seen = {}
for i = 1, endings do
  local at = base + 4 * i - 4
  local id = ARGV[at]
  local text = seen[id] or texts[n + i]
  if not text then
    finished[i] = "missing"
  else
    local state, rev, from, fence, nonce, machine, worker, started, tenant, has, class, order = string.match(text,
      PATTERN("STATE REV ()FENCE NONCE MACHINE WORKER STARTED TENANT HAS CLASS ORDER"))
    if fence ~= ARGV[at + 1] or nonce ~= ARGV[at + 2] then
      finished[i] = "stale"
    else
      finished[i] = "ok"
      if state == "r" then -- else this call is repeated: only an ending by the owner leaves the nonce in place
        rev = string.format("%d", rev + 1)
        local rest = string.sub(text, from)
        text = RECORD{ STATE = "c", REV = rev, ENDED = nowText, FROM_FENCE = rest }
        seen[id] = text
        records[#records + 1], records[#records + 2] = id, text
        unleased[#unleased + 1] = id
        closed[#closed + 1], closed[#closed + 2] = nowText, id
        events[#events + 1] = id .. "\t" .. rev .. "\tcompleted\tc\t" .. nowText .. "\t" .. machine .. "\t" .. worker .. "\t"
        if ARGV[at + 3] ~= "" then redis.call("HSET", KEYS[more + workers + i], "result", ARGV[at + 3]) end
        if tonumber(has) >= 8 then
          -- LIBS: outbox
          announce(id, rev, "c", class, tenant)
        end
        local m = "m:" .. machine
        change[m] = (change[m] or 0) - 1
        if tenant ~= "" then
          local t = "t:" .. tenant
          change[t] = (change[t] or 0) - 1
        end
        -- Keep the class's last service times, about 60. Times under a second are frequent, so only one in eight is
        -- kept.
        local ms, last = now - started, string.byte(order, -1)
        if ms >= 1000 or last == 49 or last == 57 then -- "1" and "9"
          local s = (redis.call("HGET", cls, "s:" .. class) or "") .. ms .. ","
          if #s > 400 then s = string.sub(s, string.find(s, ",", #s - 400, true) + 1) end
          redis.call("HSET", cls, "s:" .. class, s)
        end
      end
    end
  end
end

-- 5. Claim the next jobs, up to the first unusual one.
local leaseFor, overrun, taken = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
for i = 1, n do
  local id, w = ids[i], takers[i]
  local machine, worker = ARGV[6 * w - 1], ARGV[6 * w]
  local rev, fence, attempts, from, excluded, tenant, deadline, timeout, has = string.match(texts[i] or "",
    PATTERN("REV FENCE ATTEMPTS ()EXCLUDED TENANT DEADLINE TIMEOUT HAS"))
  if not rev or excluded == machine then break end
  if deadline ~= "0" then
    if tonumber(deadline) <= now then break end
    redis.call("ZREM", deadlines, id)
  end
  rev, fence, attempts, has = string.format("%d", rev + 1), string.format("%d", fence + 1), string.format("%d", attempts + 1), tonumber(has)
  local nonce, rest = ARGV[6 * w + 1], string.sub(texts[i], from)
  local text = RECORD{
    STATE = "r", REV = rev, FENCE = fence, NONCE = nonce, MACHINE = machine, WORKER = worker, STARTED = nowText, CLAIM_REV = rev,
    ATTEMPTS = attempts, FROM_EXCLUDED = rest,
  }
  records[#records + 1], records[#records + 2] = id, text
  leased[#leased + 1], leased[#leased + 2] = string.format("%d", math.min(now + leaseFor, now + timeout + overrun)), id
  events[#events + 1] = id .. "\t" .. rev .. "\tclaimed\tr\t" .. nowText .. "\t" .. machine .. "\t" .. worker .. "\t"
  taken, numbers[w] = i, numbers[w] + 1
  local m = "m:" .. machine
  change[m] = (change[m] or 0) + 1
  if tenant ~= "" then
    local t = "t:" .. tenant
    change[t] = (change[t] or 0) + 1
  end
  local at = 4 * i - 3
  given[at], given[at + 1] = id, text
  given[at + 2] = has % 8 < 4 and (has % 4 >= 2 and redis.call("HGET", bodies, id) or "")
  given[at + 3] = has % 2 == 1 and redis.call("HGET", meta, id) or ""
end

-- 6. Remove the claimed jobs from the index, and update the heads of their classes and audiences.
if taken > 0 then
  for w = 1, workers do
    if numbers[w] > 0 and tonumber(ARGV[6 * w + 4]) % 2 == 1 then redis.call("ZREM", idle, ARGV[6 * w + 3]) end
  end
  redis.call("ZADD", leases, unpack(leased))
  redis.call("ZREM", waiting, unpack(members, 1, taken))
  for i = taken + 1, n do -- these were picked but not claimed: their classes keep them
    local c = picks[i]
    c[6] = c[6] - 1
    c[2] = tonumber(string.sub(c[5][c[6] + 1], 18, 30), 16)
  end
  local gone, heading, least, touched = {}, {}, {}, {}
  for i = 1, #classes do
    local c = classes[i]
    local order, a = c[2], c[4]
    if c[6] > 0 then
      touched[a], gone[#gone + 1] = true, c[1]
      if order then
        heading[#heading + 1], heading[#heading + 2] = "0", a .. ":" .. string.sub(c[5][c[6] + 1], 18, 30) .. ":" .. c[3]
      end
    end
    if order and (not least[a] or order < least[a]) then least[a] = order end
  end
  redis.call("ZREM", chead, unpack(gone))
  if #heading > 0 then redis.call("ZADD", chead, unpack(heading)) end
  for a in pairs(touched) do
    if least[a] then
      redis.call("ZADD", heads, string.format("%d", least[a]), a)
    else
      redis.call("ZREM", heads, a)
    end
  end
end

-- 7. Register workers without a job as idle, if requested. This happens in the same script, so that no wake-up is lost.
if none and taken == n then
  for i = taken + 1, want do
    local w, how = takers[i], ARGV[6 * takers[i] + 4]
    if numbers[w] == 0 then
      numbers[w] = -1
      if how >= "2" then
        redis.call("DEL", KEYS[more + w])
        redis.call("ZADD", idle, "0", ARGV[6 * w + 3])
      elseif how == "1" then
        redis.call("ZREM", idle, ARGV[6 * w + 3])
      end
    end
  end
end

-- 8. Write everything else.
if #closed > 0 then
  redis.call("ZREM", leases, unpack(unleased))
  redis.call("ZADD", ended, unpack(closed))
end
for field, by in pairs(change) do
  if by ~= 0 and redis.call("HINCRBY", counts, field, by) <= 0 then redis.call("HDEL", counts, field) end
end
if #records > 0 then
  redis.call("HSET", jobs, unpack(records))
  redis.call("PUBLISH", string.sub(ctl, 1, -4) .. "ev", table.concat(events, "\n"))
end
return { finished, numbers, given }
