-- demand returns the load of classes.
-- KEYS: ctl jobs waiting cls counts
-- LIBS: record
-- ARGV: class, …
-- Returns: per class 6: waiting, held back by limits, delayed, creation of the longest waiting job ms or 0, "count time" of the arrivals
--          or "", samples of service times or ""; at the end the time now
local out = {}

-- oldest returns when the job that waits longest was created. Within a priority the first job is the oldest, so it only
-- reads the first job of each of the at most 101 priorities in use. Members of waiting are "<class>:<order>:<id>", with
-- 16 and 13 characters before the id, and the order starts with 2 digits for the priority.
local function oldest(class)
  local least, from = 0, class .. ":"
  while true do
    local m = redis.call("ZRANGEBYLEX", waiting, "[" .. from, "(" .. class .. ";", "LIMIT", "0", "1")[1]
    if not m then return least end
    local r = read(string.sub(m, 32))
    if r and (least == 0 or tonumber(r[CREATED]) < least) then least = tonumber(r[CREATED]) end
    from = class .. ":" .. string.format("%02x", tonumber(string.sub(m, 18, 19), 16) + 1)
  end
end

for i = 1, #ARGV do
  local class = ARGV[i]
  local n = redis.call("ZLEXCOUNT", waiting, "[" .. class .. ":", "(" .. class .. ";")
  local o = #out
  out[o + 1] = n
  local c = redis.call("HMGET", counts, "h:" .. class, "d:" .. class)
  local s = redis.call("HMGET", cls, "t:" .. class, "s:" .. class)
  out[o + 2], out[o + 3] = tonumber(c[1] or 0), tonumber(c[2] or 0)
  out[o + 4] = n > 0 and oldest(class) or 0
  out[o + 5], out[o + 6] = s[1] or "", s[2] or ""
end
out[#out + 1] = now
return out
