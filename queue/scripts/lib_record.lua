-- Job records, the clock and events, shared by all scripts. Needs the keys: ctl jobs.
--
-- ctl is the shard's own hash: seq = the last sequence number, fleet = the version of the set of profiles,
-- w:<machine>/<worker> = "<profile>\t<index>", d:<machine> = "<until ms>\t<reason>" for the dispatcher's drain and
-- p:<machine> for an operator's, paused = the reason, limited and fair as in lib_limits.lua.
--
-- A job's record is one field of the hash `jobs`: tab-separated values, which job_record.go lists in their order with what
-- they mean. No value may contain a tab, which Go checks before it calls a script. The parameters are not in the record, to
-- keep what scripts read and write most often small.
local ALL = PATTERN("*")

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local nowText = string.format("%d", now)

-- commit writes records and publishes events once, at the end of the script.
local pending, written, outbox = {}, {}, {}

local function read(id)
  local text = pending[id] or redis.call("HGET", jobs, id)
  if not text then return nil end
  return { string.match(text, ALL) }
end

local function write(id, r)
  local text = table.concat(r, "\t")
  if not pending[id] then written[#written + 1] = id end
  pending[id] = text
  return text
end

-- event increments the record's revision and records one change: id, revision, kind, state, time, machine, worker, JSON
-- detail. The caller must write the record afterwards.
local function event(id, r, kind, detail)
  local rev = string.format("%d", r[REV] + 1)
  r[REV] = rev
  outbox[#outbox + 1] = id .. "\t" .. rev .. "\t" .. kind .. "\t" .. r[STATE] .. "\t" .. nowText .. "\t" .. r[MACHINE] .. "\t" ..
    r[WORKER] .. "\t" .. (detail or "")
end

local function commit()
  local n = #written
  if n == 1 then
    redis.call("HSET", jobs, written[1], pending[written[1]])
  elseif n > 1 then
    for at = 1, n, 1000 do
      local list = {}
      for i = at, math.min(n, at + 999) do
        list[#list + 1] = written[i]
        list[#list + 1] = pending[written[i]]
      end
      redis.call("HSET", jobs, unpack(list))
    end
  end
  if #outbox > 0 then redis.call("PUBLISH", string.sub(ctl, 1, -4) .. "ev", table.concat(outbox, "\n")) end
end
