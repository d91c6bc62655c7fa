-- submit accepts jobs of one type. If it rejects the call, it changes nothing.
-- KEYS: ctl jobs bodies meta idem waiting chead heads aud cls classes delayed deadlines all counts idle fair taken hooks
-- ARGV: 1 limit on classes, 2 largest parameters that a claim returns, in bytes, 3 "1" if the call may be a repetition,
--       4 number of class definitions; per definition 5: class, requirements JSON, audience, its profiles, fleet version; then
--       per job 12: id, class, 100 − priority in 2 hex digits, max attempts, timeout ms, deadline ms, not-before ms, tenant,
--       idempotency key, parameters, meta JSON, webhook URL
-- taken holds the ids of submissions whose idempotency key another submission has taken over.
-- Returns: {"forgotten"} if the shard isn't marked, {"ok", fleet version, {record, or id of an earlier job, or "" if the key
--          was taken over, …}, {worker to wake, …}}, {"unmapped", class, …} or {"full", number of classes}
local state = redis.call("HMGET", ctl, "fair", "fleet", "_")
if not state[3] then return { "forgotten" } end
local cap, inline, ndefs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local first = 5 + 5 * ndefs
local defined = {}

if ndefs > 0 then
  local fresh = 0
  for i = 5, first - 1, 5 do
    if redis.call("HEXISTS", cls, "a:" .. ARGV[i]) == 0 then fresh = fresh + 1 end
    defined[ARGV[i]] = ARGV[i + 2]
  end
  if fresh > 0 and redis.call("ZCARD", classes) + fresh > cap then return { "full", redis.call("ZCARD", classes) } end
end

-- For each class in the call: its audience, its arrivals so far, the number of new jobs, its first new job's order.
local seen, order = {}, {}
local unmapped = { "unmapped" }
for i = first, #ARGV, 12 do
  local class = ARGV[i + 1]
  if not seen[class] then
    local v = redis.call("HMGET", cls, "a:" .. class, "t:" .. class)
    if not v[1] and not defined[class] then unmapped[#unmapped + 1] = class end
    seen[class] = { audience = v[1], arrivals = v[2], n = 0 }
    order[#order + 1] = class
  end
end
if #unmapped > 1 then return unmapped end

if ndefs > 0 then
  -- LIBS: index place
  indexing()
  placing()
  for i = 5, first - 1, 5 do
    local class, requirements, a, profiles, version = unpack(ARGV, i, i + 4)
    redis.call("HSET", cls, "q:" .. class, requirements)
    place(class, a, profiles, version)
    if seen[class] then seen[class].audience = redis.call("HGET", cls, "a:" .. class) end
  end
end

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local nowText = string.format("%d", now)
local fairly = state[1]

-- A job's place among those of its priority is the next number. If tenants share fairly, it is the tenant's own next
-- number instead, but at least one more than that of the job started last, so that a tenant with many waiting jobs
-- doesn't delay another tenant's first job.
local number = 0
if not fairly then
  local n = (#ARGV - first + 1) / 12
  number = redis.call("HINCRBY", ctl, "seq", string.format("%d", n)) - n
end

-- What to write at the end: pairs of a set's score and member, or of a hash's field and value.
local waits, alls, records, payloads, events = {}, {}, {}, {}, {}
local wanted, results, wakes, idempotent = {}, {}, {}, {}
for i = first, #ARGV, 12 do
  local id, class, prefix, maxAttempts, timeout, deadline, notBefore, tenant, key, body, extra, webhook = unpack(ARGV, i, i + 11)
  local earlier, unique
  if key ~= "" then
    unique = tenant .. "\t" .. key
    earlier = idempotent[unique] or redis.call("HGET", idem, unique)
    if earlier and not idempotent[unique] and redis.call("HEXISTS", jobs, earlier) == 0 then earlier = nil end
    if not earlier and redis.call("ZSCORE", taken, id) then earlier = "" end
  end
  if not earlier and ARGV[3] == "1" and redis.call("HEXISTS", jobs, id) == 1 then earlier = id end
  if earlier then
    results[#results + 1] = earlier
  else
    number = number + 1
    if fairly then
      local v = redis.call("HMGET", fair, prefix, prefix .. "@" .. tenant)
      number = math.max(tonumber(v[1] or fairly), tonumber(v[2] or 0)) + 1
      redis.call("HSET", fair, prefix .. "@" .. tenant, number)
      if number > tonumber(redis.call("HGET", ctl, "seq") or 0) then redis.call("HSET", ctl, "seq", number) end
    end
    local place = prefix .. string.format("%011x", number)
    local has = extra ~= "" and 1 or 0
    if body ~= "" then
      payloads[#payloads + 1], payloads[#payloads + 2] = id, body
      has = has + 2 + (#body > inline and 4 or 0)
    end
    if webhook ~= "" then
      redis.call("HSET", hooks, id, webhook)
      has = has + 8
    end
    local letter, ready, s = "w", nowText, seen[class]
    if tonumber(notBefore) > now then
      letter, ready = "d", notBefore
      redis.call("ZADD", delayed, notBefore, id)
      redis.call("HINCRBY", counts, "d:" .. class, 1)
    else -- the index is updated once per class below
      waits[#waits + 1], waits[#waits + 2] = "0", class .. ":" .. place .. ":" .. id
      if not s.first or place < s.first then s.first = place end
      wanted[#wanted + 1] = s.audience
    end
    if deadline ~= "0" then redis.call("ZADD", deadlines, deadline, id) end
    if unique then
      redis.call("HSET", idem, unique, id)
      idempotent[unique] = id
    end
    if extra ~= "" then redis.call("HSET", meta, id, extra) end
    alls[#alls + 1], alls[#alls + 2] = nowText, id
    s.n = s.n + 1
    local text = RECORD{
      STATE = letter, REV = "1", TENANT = tenant, DEADLINE = deadline, TIMEOUT = timeout, HAS = has, CLASS = class, ORDER = place,
      READY = ready, MAX_ATTEMPTS = maxAttempts, CREATED = nowText, IDEM = key,
    }
    records[#records + 1], records[#records + 2] = id, text
    events[#events + 1] = id .. "\t1\tsubmitted\t" .. letter .. "\t" .. nowText .. "\t\t\t"
    results[#results + 1] = text
  end
end

for i = 1, #order do
  local class = order[i]
  local s = seen[class]
  if s.n > 0 then
    local sum = s.n
    if s.arrivals then -- an exponentially weighted count over a minute: "count time"
      local c, t = string.match(s.arrivals, "^(%S+) (%S+)$")
      sum = sum + tonumber(c) * math.exp((tonumber(t) - now) / 60000)
    end
    redis.call("HSET", cls, "t:" .. class, string.format("%.6g ", sum) .. nowText)
  end
  if s.first then
    local a, old = s.audience, redis.call("ZRANGEBYLEX", waiting, "[" .. class .. ":", "(" .. class .. ";", "LIMIT", "0", "1")[1]
    old = old and string.sub(old, 18, 30)
    if not old or s.first < old then
      if old then redis.call("ZREM", chead, a .. ":" .. old .. ":" .. class) end
      redis.call("ZADD", chead, "0", a .. ":" .. s.first .. ":" .. class)
      if a ~= "parked" then redis.call("ZADD", heads, "LT", string.format("%d", tonumber(s.first, 16)), a) end
    end
  end
end
if #waits > 0 then redis.call("ZADD", waiting, unpack(waits)) end
if #payloads > 0 then redis.call("HSET", bodies, unpack(payloads)) end
if #records > 0 then
  redis.call("ZADD", all, unpack(alls))
  redis.call("HSET", jobs, unpack(records))
  redis.call("PUBLISH", string.sub(ctl, 1, -4) .. "ev", table.concat(events, "\n"))
end
if #wanted > 0 and redis.call("ZCARD", idle) > 0 then
  -- LIBS: index
  indexing()
  for _, a in ipairs(wanted) do wakes[#wakes + 1] = wake(a) end
end
return { "ok", tonumber(state[2] or 0), results, wakes }
